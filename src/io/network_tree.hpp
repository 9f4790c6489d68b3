#pragma once

#include "models/network.hpp"
#include "src/io/hdf5.hpp"

// A network as HDF5 groups; layout in checkpoint.cpp. Private to this folder.
namespace taut::io {

void write_network(Group& group, const models::Network& network);

// Checks what the layer kinds name: unknown kinds, missing or unknown entries, numbers of layers
// and nested residuals beyond any sane network. Whether the shapes fit is for models::check.
models::Network read_network(const Group& group);

}  // namespace taut::io

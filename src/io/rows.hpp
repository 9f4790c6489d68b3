#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "models/threat.hpp"
#include "src/io/hdf5.hpp"

// What certificate.h5 and attack.h5 share. Private to this folder.
namespace taut::io {

// Error unless `tensor` has the type and, along its last or only dimension, `rows` entries.
void expect_row(const char* name, const at::Tensor& tensor, at::ScalarType dtype, int64_t rows);

// Error on NaN and on negative entries; infinity is a radius.
void expect_radii(const char* name, const at::Tensor& tensor, int64_t rows);

// Attributes space and, where there is a box, box_low and box_high. The norm is the group's name.
void write_threat(Group& group, const models::Threat& threat);
models::Threat read_threat(const Group& group, const std::string& name);

}  // namespace taut::io

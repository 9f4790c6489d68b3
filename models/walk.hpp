#pragma once

#include <functional>
#include <string>

#include "models/network.hpp"

namespace taut::models {

// Every defined tensor of the network in forward order, with its path ("blocks.0.mlp.up.weight")
// and role. The weight of the head (head_index) has Role::head. The callback may replace the
// tensor.
using TensorVisitor = std::function<void(const std::string& path, Tensor& tensor, Role role)>;
void for_each_tensor(Network& network, const TensorVisitor& visit);
void for_each_tensor(const Network& network,
                     const std::function<void(const std::string&, const Tensor&, Role)>& visit);

// Trained tensors only. A tensor in two places counts once.
int64_t parameter_count(const Network& network);

// The network with every tensor converted (detached, own storage).
Network converted(const Network& network, at::ScalarType dtype);

// The network with every tensor on the device (detached); those that are there already are shared.
Network moved(const Network& network, at::Device device);

const char* role_name(Role role);

}  // namespace taut::models

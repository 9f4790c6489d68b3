#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "src/team/team.hpp"

// Where a run computes. Data, proofs, random numbers and files stay with the CPU; weights,
// optimizer and batches are on the device.
namespace taut::train {

const std::vector<std::string>& device_names();  // cpu, cuda

// That of this rank, on cuda the GPU of its place among the ranks of its machine, or the only one
// that it sees, which becomes the current one. Error where there is none, or where ranks cannot
// exchange tensors, as on a GPU that they share.
at::Device open_device(const std::string& name, const team::Team& team);

// Until what was asked of the device is done.
void wait_for(at::Device device);

// A tensor of the CPU on the device; a GPU copies while the CPU goes on.
at::Tensor sent_to(const at::Tensor& tensor, at::Device device);

}  // namespace taut::train

#pragma once

#include "src/team/team.hpp"

// Transfers of CUDA tensors: nccl.cpp does them, nccl_absent.cpp fails where this build has no
// NCCL. They are queued after the work of the current stream, and what is queued after
// Pending::wait() finds them done. Each rank has a GPU of its own, that of its first tensor.
namespace taut::team {

Pending start_gather_on_device(const Team& team, const at::Tensor& part, const at::Tensor& all,
                               int owner);
Pending start_broadcast_on_device(const Team& team, const at::Tensor& tensor, int owner);

}  // namespace taut::team

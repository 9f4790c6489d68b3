#pragma once

#include <ATen/core/Tensor.h>
#include <mpi.h>

#include <functional>
#include <utility>
#include <vector>

#include "src/team/team.hpp"

namespace taut::team {

// By MPI between CPUs, or by NCCL between GPUs.
struct Pending::Transfer {
  std::vector<at::Tensor> tensors;
  std::vector<MPI_Request> requests{};
  std::function<void()> join{};  // makes the current stream wait for NCCL's

  explicit Transfer(std::vector<at::Tensor> kept) : tensors(std::move(kept)) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    // Still written to.
    if (!requests.empty() || join) new std::vector<at::Tensor>(std::move(tensors));
  }
};

}  // namespace taut::team

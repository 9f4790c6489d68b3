#include "kernels/check_kernels.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>
#include <deque>
#include <stdexcept>

#include "kernels/cuda/compare/compare.hpp"
#include "kernels/stored.hpp"
#include "src/core/core.hpp"

namespace taut::kernels {
namespace {

using at::Tensor;

// References are plain loops: of a larger batch of matrices, what they do in seconds.
constexpr int64_t kBatch = 4, kShort = 192, kLong = 1024;

// (batch, short, long) in float, contiguous on the CPU.
Tensor leading_part(const Tensor& weight) {
  Tensor x = as_batch(weight);
  if (x.size(1) > x.size(2)) x = x.mT();
  x = x.narrow(0, 0, std::min(x.size(0), kBatch)).narrow(1, 0, std::min(x.size(1), kShort));
  return x.narrow(2, 0, std::min(x.size(2), kLong)).to(at::kCPU, at::kFloat).contiguous();
}

// Arrays live in byte tensors until the checks are over.
cuda::Device gpu(std::deque<Tensor>& arrays) {
  const auto stream = c10::cuda::getCurrentCUDAStream();
  const at::TensorOptions bytes_there =
      at::TensorOptions(at::kByte).device(at::kCUDA, stream.device_index());
  const auto upload = [&arrays, bytes_there](const void* from, size_t bytes, size_t) -> void* {
    const auto size = static_cast<int64_t>(bytes);
    if (from == nullptr || bytes == 0) {
      arrays.push_back(at::empty({size}, bytes_there));
    } else {
      arrays.push_back(at::from_blob(const_cast<void*>(from), {size}, at::kByte).to(bytes_there));
    }
    return arrays.back().data_ptr();
  };
  const auto download = [bytes_there](void* to, const void* from, size_t bytes) {
    if (bytes == 0) return;
    const auto size = static_cast<int64_t>(bytes);
    at::from_blob(to, {size}, at::kByte)
        .copy_(at::from_blob(const_cast<void*>(from), {size}, bytes_there));
  };
  return {upload, download, stream.stream()};
}

// Allowed differences first, then the larger share of what is allowed.
bool worse(const KernelCheck& a, const KernelCheck& b) {
  if (a.holds() != b.holds()) return !a.holds();
  return a.difference * b.allowed > b.difference * a.allowed;
}

void record(std::vector<KernelCheck>& checks, const cuda::Comparison& c) {
  const KernelCheck check{c.kernel, c.difference, c.allowed};
  for (KernelCheck& known : checks) {
    if (known.kernel != check.kernel) continue;
    if (worse(check, known)) known = check;
    return;
  }
  checks.push_back(check);
}

}  // namespace

std::vector<KernelCheck> check_kernels(const std::vector<Tensor>& weights) {
  const at::NoGradGuard no_grad;
  require(at::globalContext().hasCUDA(),
          "expected a GPU to check the CUDA kernels on, and this machine has none");
  std::vector<KernelCheck> checks;
  for (const Tensor& weight : weights) {
    const Tensor x = leading_part(weight);
    require(at::isfinite(x).all().item<bool>(),
            "expected finite weights, got NaN or infinity in {}", shape_text(weight.sizes()));
    const float* first = x.const_data_ptr<float>();
    std::deque<Tensor> arrays;
    try {
      for (const cuda::Comparison& c : cuda::compare_all(
               gpu(arrays), {x.size(0), x.size(1), x.size(2), {first, first + x.numel()}})) {
        record(checks, c);
      }
    } catch (const std::runtime_error& refused) {
      fail("CUDA refused a kernel: {}", refused.what());
    }
  }
  return checks;
}

}  // namespace taut::kernels

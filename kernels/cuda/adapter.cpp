#include "kernels/cuda/adapter.hpp"

#include "kernels/build.hpp"

#include <ATen/ATen.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "kernels/cuda/launch.hpp"
#include "src/core/core.hpp"

namespace taut::kernels::cuda {
namespace {

template <class T>
at::Tensor run(double a, const at::Tensor& x, double b, const at::Tensor& z) {
  const c10::cuda::CUDAGuard device(x.device());
  const at::Tensor in = x.contiguous(), other = z.contiguous();
  at::Tensor out = at::empty_like(in);
  const char* error = polynomial_update(
      a, in.const_data_ptr<T>(), b, other.const_data_ptr<T>(), out.mutable_data_ptr<T>(),
      in.numel(), c10::cuda::getCurrentCUDAStream(x.device().index()).stream());
  require(error == nullptr, "CUDA refused a kernel launch over {} entries: {}", in.numel(), error);
  return out;
}

}  // namespace

at::Tensor polynomial_update(double a, const at::Tensor& x, double b, const at::Tensor& z) {
  return x.scalar_type() == at::kFloat ? run<float>(a, x, b, z) : run<double>(a, x, b, z);
}

}  // namespace taut::kernels::cuda

namespace taut::kernels {

bool cuda_compiled() { return true; }

}  // namespace taut::kernels

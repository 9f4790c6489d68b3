#include "kernels/cuda/adapter.hpp"

#include "kernels/build.hpp"

#include <ATen/ATen.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>

#include "kernels/cuda/launch.hpp"
#include "src/core/core.hpp"

namespace taut::kernels::cuda {
namespace {

using at::Tensor;

Stream stream_of(const Tensor& x) {
  return c10::cuda::getCurrentCUDAStream(x.device().index()).stream();
}

const float* read(const Tensor& x) { return x.const_data_ptr<float>(); }
float* write(Tensor& x) { return x.mutable_data_ptr<float>(); }

void launched(const char* error, const Tensor& x) {
  require(error == nullptr, "CUDA refused a kernel launch over {}: {}", shape_text(x.sizes()),
          error);
}

// Rows of (..., width).
int64_t rows_of(const Tensor& x) { return x.size(-1) == 0 ? 0 : x.numel() / x.size(-1); }

template <class T>
Tensor polynomial(double a, const Tensor& x, double b, const Tensor& z) {
  const c10::cuda::CUDAGuard device(x.device());
  const Tensor in = x.contiguous(), other = z.contiguous();
  Tensor out = at::empty_like(in);
  launched(polynomial_update(a, in.const_data_ptr<T>(), b, other.const_data_ptr<T>(),
                             out.mutable_data_ptr<T>(), in.numel(), stream_of(x)),
           x);
  return out;
}

}  // namespace

bool serves(const Tensor& x) { return x.is_cuda() && x.scalar_type() == at::kFloat; }

Tensor polynomial_update(double a, const Tensor& x, double b, const Tensor& z) {
  return x.scalar_type() == at::kFloat ? polynomial<float>(a, x, b, z)
                                       : polynomial<double>(a, x, b, z);
}

void symmetric_product(Tensor out, double beta, const Tensor& c, double alpha, const Tensor& l,
                       const Tensor& y, const Tensor& each) {
  const c10::cuda::CUDAGuard device(out.device());
  const Tensor left = l.contiguous(), right = y.contiguous(),
               addend = c.defined() ? c.contiguous() : c,
               factors = each.defined() ? each.contiguous() : each;
  SymmetricProduct p{out.size(0), out.size(1), l.size(2), alpha, c.defined() ? beta : 0};
  p.addend = addend.defined() ? read(addend) : nullptr;
  p.each = factors.defined() ? factors.const_data_ptr<double>() : nullptr;
  p.out = write(out);
  launched(symmetric_product(read(left), read(right), p, stream_of(out)), out);
}

Tensor gram_product_rounded(const Tensor& x) {
  const c10::cuda::CUDAGuard device(x.device());
  const Tensor in = x.contiguous();
  Tensor out = at::empty({x.size(0), x.size(1), x.size(1)}, in.options().dtype(at::kFloat));
  SymmetricProduct p{x.size(0), x.size(1), x.size(2)};
  p.out = write(out);
  if (x.scalar_type() == at::kBFloat16) {
    const auto* narrow = reinterpret_cast<const Bfloat16*>(in.const_data_ptr<at::BFloat16>());
    launched(symmetric_product_bf16(narrow, narrow, p, stream_of(x)), x);
  } else {
    launched(symmetric_product_tf32(read(in), read(in), p, stream_of(x)), x);
  }
  return out;
}

void symmetric_times(Tensor out, double a, const Tensor& x, const Tensor& z) {
  const c10::cuda::CUDAGuard device(x.device());
  const Tensor in = x.contiguous(), factor = z.contiguous();
  launched(symmetric_times(a, read(in), read(factor), write(out), x.size(0), x.size(1), x.size(2),
                           stream_of(x)),
           x);
}

Tensor row_norms(const Tensor& x) {
  const c10::cuda::CUDAGuard device(x.device());
  const Tensor in = x.contiguous();
  Tensor out = at::zeros(x.sizes().slice(0, x.dim() - 1), x.options().dtype(at::kDouble));
  launched(
      row_norms(read(in), out.mutable_data_ptr<double>(), rows_of(x), x.size(-1), stream_of(x)), x);
  return out;
}

Tensor row_rms_cap(const Tensor& x, double cap) {
  const c10::cuda::CUDAGuard device(x.device());
  const Tensor in = x.contiguous();
  Tensor out = at::empty_like(in);
  launched(row_rms_cap(read(in), cap, write(out), rows_of(x), x.size(-1), stream_of(x)), x);
  return out;
}

Tensor ball_clamp(const Tensor& x, double radius) {
  const c10::cuda::CUDAGuard device(x.device());
  const Tensor in = x.contiguous();
  Tensor out = at::empty_like(in);
  launched(ball_clamp(read(in), radius, write(out), rows_of(x), x.size(-1), stream_of(x)), x);
  return out;
}

Tensor ball_clamp_backward(const Tensor& x, const Tensor& grad, double radius) {
  const c10::cuda::CUDAGuard device(x.device());
  const Tensor in = x.contiguous(), above = grad.contiguous();
  Tensor out = at::empty_like(in);
  launched(ball_clamp_backward(read(in), read(above), radius, write(out), rows_of(x), x.size(-1),
                               stream_of(x)),
           x);
  return out;
}

Tensor power_step(const Tensor& w, Tensor& v, Tensor& u) {
  const c10::cuda::CUDAGuard device(w.device());
  const Tensor in = w.contiguous();
  v = v.contiguous().clone();
  u = at::empty({w.size(0), w.size(1)}, w.options());
  const auto wide = w.options().dtype(at::kDouble);
  Tensor sigma = at::zeros({w.size(0)}, wide);
  Tensor work = at::empty({w.size(0), std::max(w.size(1), w.size(2))}, wide);
  launched(
      power_step(read(in), write(v), write(u), sigma.mutable_data_ptr<double>(),
                 work.mutable_data_ptr<double>(), w.size(0), w.size(1), w.size(2), stream_of(w)),
      w);
  return sigma;
}

Tensor rank_one_update(const Tensor& w, const Tensor& u, const Tensor& v, const Tensor& sigma,
                       double offset, double slope) {
  const c10::cuda::CUDAGuard device(w.device());
  const Tensor in = w.contiguous(), left = u.contiguous(), right = v.contiguous(),
               top = sigma.to(at::kDouble).contiguous();
  Tensor out = at::empty_like(in);
  launched(rank_one_update(read(in), read(left), read(right), top.const_data_ptr<double>(), offset,
                           slope, write(out), w.size(0), w.size(1), w.size(2), stream_of(w)),
           w);
  return out;
}

Tensor spectral_divide(const Tensor& w, const Tensor& sigma, double limit) {
  const c10::cuda::CUDAGuard device(w.device());
  const Tensor in = w.contiguous(), top = sigma.to(at::kDouble).contiguous();
  Tensor out = at::empty_like(in);
  launched(spectral_divide(read(in), top.const_data_ptr<double>(), limit, write(out), w.size(0),
                           w.size(1), w.size(2), stream_of(w)),
           w);
  return out;
}

Tensor soft_cap_coupling(const Tensor& w_max, const Tensor& lr, const Tensor& wd,
                         const Tensor& update) {
  const c10::cuda::CUDAGuard device(w_max.device());
  const Tensor a = w_max.contiguous(), b = lr.contiguous(), c = wd.contiguous(),
               d = update.contiguous();
  Tensor out = at::empty_like(a);
  launched(soft_cap_coupling(a.const_data_ptr<double>(), b.const_data_ptr<double>(),
                             c.const_data_ptr<double>(), d.const_data_ptr<double>(),
                             out.mutable_data_ptr<double>(), a.numel(), stream_of(w_max)),
           w_max);
  return out;
}

Stepped ball_step(const Step& step) {
  const c10::cuda::CUDAGuard device(step.clean.device());
  const Tensor clean = step.clean.contiguous(), delta = step.delta.contiguous(),
               gradient = step.gradient.contiguous(), eps = step.eps.contiguous();
  const Tensor movable =
      step.movable.defined() ? step.movable.to(at::kByte).contiguous() : at::Tensor();
  Stepped out{at::empty_like(clean), at::empty_like(clean)};
  BallStep s{clean.size(0), clean.size(1), clean.size(2)};
  s.clean = read(clean), s.delta = read(delta), s.gradient = read(gradient);
  s.movable = movable.defined() ? movable.const_data_ptr<uint8_t>() : nullptr;
  s.span = step.span, s.eps = eps.const_data_ptr<double>(), s.stride = step.stride;
  s.low = step.low, s.high = step.high;
  s.delta_out = write(out.delta), s.moved = write(out.moved);
  const Stream stream = stream_of(clean);
  launched(step.l2 ? ball_step_l2(s, stream) : ball_step_linf(s, stream), clean);
  return out;
}

}  // namespace taut::kernels::cuda

namespace taut::kernels {

bool cuda_compiled() { return true; }

}  // namespace taut::kernels

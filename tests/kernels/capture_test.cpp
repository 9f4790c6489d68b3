#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <boost/test/unit_test.hpp>

#include "kernels/ball_clamp.hpp"
#include "kernels/cuda/adapter.hpp"
#include "kernels/spectral.hpp"
#include "kernels/symmetric.hpp"
#include "src/core/core.hpp"
#include "tests/support.hpp"

using namespace taut;
namespace cuda = kernels::cuda;

namespace {

// Every kernel once, on W (batch, n, m).
std::vector<at::Tensor> every_kernel(const at::Tensor& w) {
  const at::Tensor gram = at::empty({w.size(0), w.size(1), w.size(1)}, w.options());
  kernels::symmetric_product(gram, 0, {}, 1, w, w.mT());
  const at::Tensor square = at::empty_like(gram), times = at::empty_like(w);
  kernels::symmetric_product(square, 0.5, gram, -0.25, gram, gram);
  kernels::symmetric_times(times, 1.5, w, gram);
  at::Tensor v = at::ones({w.size(0), w.size(2)}, w.options());
  const kernels::TopPair top = kernels::power_iteration(w, v, 2);
  const at::Tensor rate = at::full({w.size(0)}, 0.1, w.options().dtype(at::kDouble));
  const at::Tensor one = at::ones_like(rate), eps = one * 0.5;
  const auto step = [&](bool l2) {
    return cuda::ball_step({w, w * 0.1, w.flip(2), at::Tensor(), eps, 1, 0.3, -10, 10, l2}).moved;
  };
  return {gram,
          cuda::gram_product_rounded(w),
          cuda::gram_product_rounded(w.to(at::kBFloat16)),
          cuda::spectral_divide(w, top.value, 0.5),
          square,
          times,
          kernels::ball_clamp(w, 0.9),
          cuda::ball_clamp_backward(w, w.flip(2), 0.9),
          cuda::row_norms(w),
          cuda::row_rms_cap(w, 0.9),
          cuda::rank_one_update(w, top.left, top.right, top.value, 1, -1),
          cuda::soft_cap_coupling(one, rate, rate, one),
          step(false),
          step(true)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(capture_test)

// A graph cannot hold a wait or an allocation of CUDA's own; replayed on other weights it gives
// what the kernels give, bit for bit.
BOOST_AUTO_TEST_CASE(kernels_can_be_recorded_and_replayed_on_cuda) {
  if (!at::globalContext().hasCUDA()) return test::skip("no CUDA device");
  const at::NoGradGuard no_grad;
  const at::Generator random = make_generator(test::seed());
  const at::Device gpu(at::kCUDA, 0);
  const at::Tensor first = at::randn({3, 70, 130}, random, at::kFloat).to(gpu);
  const at::Tensor second = at::randn({3, 70, 130}, random, at::kFloat).to(gpu);
  const std::vector<at::Tensor> expected = every_kernel(second);
  c10::cuda::device_synchronize();  // a stream of the pool waits for no other

  const c10::cuda::CUDAStreamGuard aside(c10::cuda::getStreamFromPool());
  const at::Tensor w = first.clone();
  every_kernel(w);
  at::cuda::CUDAGraph graph;
  graph.capture_begin();
  const std::vector<at::Tensor> out = every_kernel(w);
  graph.capture_end();
  w.copy_(second);
  graph.replay();
  BOOST_REQUIRE(out.size() == expected.size());
  for (size_t i = 0; i < out.size(); ++i) {
    BOOST_TEST(at::equal(out[i].cpu(), expected[i].cpu()), "result " << i);
  }
}

BOOST_AUTO_TEST_SUITE_END()

#include "kernels/check_kernels.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "kernels/build.hpp"
#include "kernels/soft_cap.hpp"
#include "kernels/spectral.hpp"
#include "src/core/core.hpp"
#include "tests/support.hpp"

using namespace taut;
using kernels::KernelCheck;

BOOST_AUTO_TEST_SUITE(check_kernels_test)

BOOST_AUTO_TEST_CASE(says_plainly_when_there_is_nothing_to_check) {
  if (at::globalContext().hasCUDA()) return test::skip("this machine has a GPU");
  const std::string error = test::error_of([] { kernels::check_kernels({at::ones({2, 2})}); });
  const char* reason = kernels::cuda_compiled() ? "expected a GPU" : "CUDA is not in this build";
  BOOST_TEST(test::contains(error, reason), error);
  BOOST_TEST(!test::contains(error, "\n"));
}

BOOST_AUTO_TEST_CASE(a_check_holds_within_what_is_allowed_and_never_for_nan) {
  BOOST_TEST((KernelCheck{"", 1, 1}.holds()));
  BOOST_TEST((!KernelCheck{"", 1.0001, 1}.holds()));
  BOOST_TEST((!KernelCheck{"", std::nan(""), 1}.holds()));
}

BOOST_AUTO_TEST_CASE(every_kernel_agrees_with_its_reference_on_cuda) {
  if (!at::globalContext().hasCUDA()) return test::skip("no CUDA device");
  const at::Generator random = make_generator(test::seed());
  std::vector<at::Tensor> weights;
  for (const at::IntArrayRef shape : {at::IntArrayRef{1, 1},
                                      {3, 5},
                                      {33, 31},
                                      {64, 64},
                                      {65, 130},
                                      {4, 16, 64},
                                      {1, 1300},
                                      {768, 192}}) {
    weights.push_back(at::randn(shape, random, at::kFloat));
    weights.push_back(at::randn(shape, random, at::kFloat) * 1e-3);
  }
  const std::vector<KernelCheck> checks = kernels::check_kernels(weights);
  BOOST_TEST(checks.size() > 20u);
  for (const KernelCheck& c : checks) {
    BOOST_TEST(c.holds(), c.kernel << ": " << c.difference << ", allowed " << c.allowed);
  }
}

BOOST_AUTO_TEST_CASE(tables_are_capped_on_cuda) {
  if (!at::globalContext().hasCUDA()) return test::skip("no CUDA device");
  const at::Tensor table = at::randn({100, 77}, make_generator(test::seed()), at::kFloat).cuda();
  const at::Tensor capped = kernels::row_rms_cap(table, 0.9).to(at::kCPU, at::kDouble);
  BOOST_TEST((capped.square().mean(1).sqrt() <= 0.9).all().item<bool>());
  const at::Tensor once = kernels::row_rms_cap(table.cpu(), 0.9).to(at::kDouble);
  BOOST_TEST(((capped - once).abs() <= 0x1p-20 * once.abs()).all().item<bool>());
  BOOST_CHECK_THROW(kernels::row_rms_cap(table / 0, 0.9), Error);
}

BOOST_AUTO_TEST_SUITE_END()

#include "tests/kernels/allocations.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <functional>
#include <map>

#include "kernels/kernels.hpp"
#include "src/core/core.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;
using kernels::Workspace;

namespace {

struct Step {
  const char* name;
  std::function<at::Tensor(const at::Tensor&, Workspace&)> run;
};

at::Tensor block;  // where top_singular goes on from

const Step kSteps[] = {
    {"orthogonalize",
     [](const at::Tensor& x, Workspace& w) {
       return kernels::orthogonalize(x, {}, kernels::PolarForm::automatic, &w);
     }},
    {"sign_symmetric",
     [](const at::Tensor& x, Workspace& w) {
       return kernels::sign_symmetric(x.narrow(2, 0, x.size(1)), {}, &w);
     }},
    {"soft_cap", [](const at::Tensor& x, Workspace& w) { return kernels::soft_cap(x, 1e-4, &w); }},
    {"hard_cap bounded",
     [](const at::Tensor& x, Workspace& w) {
       return kernels::hard_cap_by(kernels::HardCap::bounded, x, 75, &w);
     }},
    {"hard_cap msign",
     [](const at::Tensor& x, Workspace& w) {
       return kernels::hard_cap_by(kernels::HardCap::msign, x, 20, &w);
     }},
    {"stiefel", [](const at::Tensor& x, Workspace& w) { return kernels::stiefel(x, 2, &w); }},
    {"cap_certified",
     [](const at::Tensor& x, Workspace& w) {  // over by rounding, as after a cap
       const double step = x.scalar_type() == at::kFloat ? 1e-7 : 1e-3;
       static std::map<at::ScalarType, double> known;  // outside what is counted
       double& sigma = known[x.scalar_type()];
       if (sigma == 0) sigma = kernels::certified_sigma_max(x);
       return kernels::cap_certified(x, sigma * (1 - step), &w);
     }},
    {"spectral_hammer",
     [](const at::Tensor& x, Workspace& w) {  // below the second value: there is a division
       return kernels::spectral_hammer(x, kernels::top_singular(x, block, 2, &w), 20, &w);
     }},
    {"spectral_weight_decay",
     [](const at::Tensor& x, Workspace& w) {
       return kernels::spectral_weight_decay(x, kernels::top_singular(x, block, 2, &w), 0.1, &w);
     }},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(allocation_test)

// From the second call on what is allocated are numbers and blocks of vectors, never a matrix.
BOOST_AUTO_TEST_CASE(a_step_repeated_allocates_no_matrix) {
  const at::Generator random = make_generator(seed());
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    // One large singular value, about 76, that a hammer finds at once; the next is about 24.
    const at::Tensor x = (at::randn({2, 130, 170}, random) + 0.5).to(dtype);
    const int64_t matrix = 130 * 130 * x.element_size();
    for (const Step& step : kSteps) {
      Workspace workspace;
      block = at::Tensor();
      const at::Tensor first = step.run(x, workspace);
      at::Tensor second;
      const int64_t most = largest_allocation([&] { second = step.run(x * 1, workspace); });
      const int64_t own = x.numel() * x.element_size();  // of x * 1
      const int64_t rest = largest_allocation([&] { second = step.run(x, workspace); });
      BOOST_TEST(most >= own);  // the hook hears
      BOOST_TEST(rest < matrix, step.name << " allocated " << rest);
      BOOST_TEST(second.data_ptr() == first.data_ptr(), step.name);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

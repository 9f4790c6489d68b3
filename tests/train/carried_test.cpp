#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "kernels/kernels.hpp"
#include "src/core/core.hpp"
#include "src/train/constraint.hpp"
#include "src/train/muon.hpp"
#include "src/train/optimizer.hpp"
#include "src/train/state.hpp"
#include "src/train/step.hpp"
#include "tests/kernels/allocations.hpp"
#include "tests/support.hpp"
#include "tests/train/runs.hpp"

// What an optimizer carries from step to step: storage and singular vectors.
using namespace taut;

BOOST_AUTO_TEST_SUITE(carried_test)

// Muon and its constraint, step after step in one workspace: after the first two nothing of the
// size of a matrix is allocated. (A hard cap leaves LAPACK's eigenvectors their own storage.)
BOOST_AUTO_TEST_CASE(steps_after_the_first_allocate_no_matrix) {
  const at::Generator g = make_generator(test::seed());
  train::MuonStep muon{0.02};
  muon.nesterov = true;
  for (const std::string method : {"soft_cap", "stiefel", "hammer"}) {
    kernels::Workspace workspace;
    at::Tensor block;
    const at::Tensor w = at::randn({2, 280, 300}, g), momentum = at::zeros_like(w);
    train::cap_matrices(w, 1);
    std::vector<at::Tensor> gradients;
    for (int i = 0; i < 5; ++i) gradients.push_back(at::randn({2, 280, 300}, g) + 1);
    int64_t most = 0;
    for (int i = 0; i < 5; ++i) {
      const auto step = [&] {
        train::muon_step(w, momentum, gradients[i], muon, &workspace);
        const double update = kernels::worst_output(muon.polar);
        train::constrain(w, 1, method, 0, {muon.lr, 0, update}, &workspace, &block);
      };
      const int64_t largest = test::largest_allocation(step);
      if (i >= 2) most = std::max(most, largest);
    }
    BOOST_TEST(most < 280 * 280 * 4, method << " allocated " << most);
    BOOST_TEST(block.defined() == (method == "hammer"));
    BOOST_TEST(train::certified_norm(w) <= 1 + 1e-12);
  }
}

// The message names the weight, not only its shape.
BOOST_AUTO_TEST_CASE(weights_that_are_no_numbers_are_named) {
  const train::TrainOptions o = test::images_run("mlp");
  const data::Dataset dataset = data::open_dataset(o.data);
  const size_t groups = train::fresh_state(o, dataset).optimizer.groups.size();
  int capped = 0;
  for (size_t i = 0; i < groups; ++i) {
    train::State state = train::fresh_state(o, dataset);
    const train::Group& group = state.optimizer.groups[i];
    if (!std::isfinite(group.cap)) continue;
    ++capped;
    group.value.detach().fill_(NAN);
    const std::string what = test::error_of([&] { train::make_optimizer(state.network, o); });
    BOOST_TEST(test::contains(what, "NaN or infinity"), what);
    BOOST_TEST(test::contains(what, group.members.front().path), what);
  }
  BOOST_TEST(capped > 1);
}

BOOST_AUTO_TEST_CASE(singular_vectors_that_do_not_fit_are_refused) {
  train::TrainOptions o = test::images_run("vit");
  o.constraint.name = "hammer";
  const data::Dataset dataset = data::open_dataset(o.data);
  train::State state = train::fresh_state(o, dataset);
  data::Order order = train::order_of(o, dataset);
  train::advance(state, dataset, order, o);
  train::NamedTensors saved = train::optimizer_state(state.optimizer);
  int blocks = 0;
  for (const auto& [name, tensor] : train::optimizer_state(state.optimizer)) {
    if (name.rfind("block.", 0) != 0) continue;
    ++blocks;
    for (const at::Tensor& bad : {tensor * NAN, tensor.narrow(1, 1, 1), tensor.to(at::kLong)}) {
      saved[name] = bad;
      const std::string what =
          test::error_of([&] { train::restore_optimizer(state.network, o, saved); });
      BOOST_TEST(test::contains(what, name));
    }
    saved[name] = tensor;
  }
  BOOST_TEST(blocks > 0);
}

BOOST_AUTO_TEST_SUITE_END()

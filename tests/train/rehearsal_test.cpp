#include "src/train/rehearsal.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <numeric>

#include "kernels/orthogonalize.hpp"
#include "kernels/polar_sets.hpp"
#include "src/train/cost.hpp"
#include "src/train/meters.hpp"
#include "src/train/step.hpp"
#include "tests/support.hpp"
#include "tests/train/runs.hpp"

using namespace taut;
using namespace taut::test;
using namespace taut::train;

namespace {

Rehearsal rehearsed(const TrainOptions& options) {
  const data::Dataset dataset = data::open_dataset(options.data);
  State state = fresh_state(options, dataset);
  return rehearse(state, dataset, options);
}

double flops_of(const Rehearsal& r, Part part) { return r.part_flops[static_cast<size_t>(part)]; }

PassFlops counted(const TrainOptions& options) {
  const data::Dataset dataset = data::open_dataset(options.data);
  return pass_flops(fresh_state(options, dataset).network, options.batch);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rehearsal_test)

BOOST_AUTO_TEST_CASE(meters_count_products_and_tensors) {
  const at::Tensor a = at::ones({3, 4}), b = at::ones({4, 5});
  const ProductMeter products;
  const AllocationMeter tensors;
  at::mm(a, b);
  BOOST_TEST(products.flops() == 2 * 3 * 4 * 5);
  at::addmm(at::ones({5}), a, b);
  BOOST_TEST(products.flops() == 2 * 2 * 3 * 4 * 5);
  at::matmul(at::ones({7, 3, 4}), at::ones({7, 4, 5}));
  BOOST_TEST(products.flops() == (2 + 7) * 2 * 3 * 4 * 5);
  const int64_t before = tensors.live();
  {
    const at::Tensor held = at::zeros({1000}, at::kDouble);
    BOOST_TEST(tensors.live() - before >= 8000);
  }
  BOOST_TEST(tensors.live() == before);
  BOOST_TEST(tensors.peak() - before >= 8000);
}

// X X^T once, Q X once, and four small products a step but three less at the end.
BOOST_AUTO_TEST_CASE(four_steps_on_the_gram_matrix_take_two_long_products) {
  constexpr int64_t m = 64, n = 1000;
  const at::Tensor x = at::ones({m, n});
  const ProductMeter products;
  kernels::orthogonalize(x, {kernels::PolarSet::muon5, 4}, kernels::PolarForm::gram);
  BOOST_TEST(products.flops() == 2.0 * (2 * m * m * n + 13 * m * m * m));
}

// The formulas against what LibTorch really multiplies.
BOOST_AUTO_TEST_CASE(the_products_of_a_pass_are_those_of_the_formula) {
  std::vector<TrainOptions> runs = {images_run("mlp"), images_run("vit"), text_run(),
                                    adamw_run(images_run("vit")), adamw_run(text_run())};
  runs.push_back(text_run());
  runs.back().model.rotary = 10000;
  runs.back().model.query_key_clamp = 1;
  for (const TrainOptions& options : runs) {
    const Rehearsal r = rehearsed(options);
    const PassFlops pass = counted(options);
    BOOST_TEST_CONTEXT(options.model.name << " " << options.model.style) {
      BOOST_TEST(pass.forward > 0);
      BOOST_TEST(flops_of(r, Part::forward) == pass.forward);
      BOOST_TEST(flops_of(r, Part::backward) == pass.backward);
      BOOST_TEST(flops_of(r, Part::batch) == 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_mlp_is_counted_by_hand) {
  TrainOptions options = images_run("mlp");
  options.model.blocks = 1;
  const PassFlops pass = counted(options);
  // 16 images: 16 -> 16 -> 3; the gradient of the pixels is not wanted.
  BOOST_TEST(pass.forward == 2.0 * 16 * (16 * 16 + 16 * 3));
  BOOST_TEST(pass.backward == 2.0 * 16 * (16 * 16 + 2 * 16 * 3));
}

BOOST_AUTO_TEST_CASE(parts_are_timed_and_optimizer_and_caps_told_apart) {
  const TrainOptions capped = images_run("vit"), free = adamw_run(images_run("vit"));
  const Rehearsal r = rehearsed(capped);
  BOOST_TEST(r.steps >= 3);
  for (const double seconds : r.part_seconds) BOOST_TEST(seconds > 0);
  const double sum = std::accumulate(r.part_seconds.begin(), r.part_seconds.end(), 0.0);
  BOOST_TEST(sum <= r.seconds);
  BOOST_TEST(sum > 0.5 * r.seconds);
  BOOST_TEST(flops_of(r, Part::optimizer) > 0);
  BOOST_TEST(flops_of(r, Part::caps) > 0);
  const Rehearsal plain = rehearsed(free);
  BOOST_TEST(flops_of(plain, Part::optimizer) == 0);
  BOOST_TEST(flops_of(plain, Part::caps) == 0);
  TrainOptions moved = capped;
  moved.loss.adversarial_eps = 0.1;
  BOOST_TEST(flops_of(rehearsed(moved), Part::batch) > 0);
}

BOOST_AUTO_TEST_CASE(memory_is_that_of_the_tensors) {
  TrainOptions options = images_run("mlp");
  const data::Dataset dataset = data::open_dataset(options.data);
  State state = fresh_state(options, dataset);
  const StoredBytes stored = stored_bytes(state.optimizer.groups);
  BOOST_TEST(stored.weights == 4 * models::parameter_count(state.network));
  BOOST_TEST(stored.optimizer == stored.weights);  // one momentum
  // A larger batch keeps more for the way back.
  const Rehearsal small = rehearse(state, dataset, options);
  BOOST_TEST(small.kept_bytes >= options.batch * options.model.width * 4);
  BOOST_TEST(small.peak_bytes > small.kept_bytes);
  options.batch = 64;
  BOOST_TEST(rehearsed(options).kept_bytes > 3 * small.kept_bytes);
}

// Two capped matrices: 16 x 16 and 3 x 16.
BOOST_AUTO_TEST_CASE(proofs_are_counted_for_capped_matrices_alone) {
  TrainOptions options = images_run("mlp");
  options.model.blocks = 1;
  const data::Dataset dataset = data::open_dataset(options.data);
  State capped = fresh_state(options, dataset);
  options.evaluate_every = 4;
  options.checkpoint_every = 6;
  BOOST_TEST(due_share(options) == 4 / 12., boost::test_tools::tolerance(1e-12));  // 4 6 8 12
  const double expected = 16. * 16 * 16 * 4 / 3 + 9. * 16 + 9;
  const auto near = boost::test_tools::tolerance(1e-12);
  BOOST_TEST(proof_flops(capped.optimizer.groups, options) == expected / 3, near);
  options.constraint.lazy = true;
  BOOST_TEST(proof_flops(capped.optimizer.groups, options) == expected, near);
  options.constraint.lazy = false;
  State free = fresh_state(adamw_run(options), dataset);
  BOOST_TEST(proof_flops(free.optimizer.groups, options) == 0);
  options.constraint.name = "none";  // of Muon, whose matrices are matrices all the same
  State uncapped = fresh_state(options, dataset);
  BOOST_TEST(proof_flops(uncapped.optimizer.groups, options) == 0);
}

// Steps that are watched are the steps of a run, and a run of one step can be rehearsed.
BOOST_AUTO_TEST_CASE(watching_changes_no_step) {
  TrainOptions options = images_run("vit");
  const data::Dataset dataset = data::open_dataset(options.data);
  State watched = fresh_state(options, dataset), alone = fresh_state(options, dataset);
  data::Order a = order_of(options, dataset), b = order_of(options, dataset);
  std::vector<Part> parts;
  {
    const ProductMeter products;
    const AllocationMeter tensors;
    advance(watched, dataset, a, options, [&](Part part) { parts.push_back(part); });
  }
  advance(alone, dataset, b, options);
  for (size_t i = 0; i < alone.optimizer.groups.size(); ++i) {
    BOOST_TEST(at::equal(watched.optimizer.groups[i].value, alone.optimizer.groups[i].value));
  }
  BOOST_TEST(static_cast<int64_t>(parts.size()) ==
             3 * options.slices + 2 * static_cast<int64_t>(alone.optimizer.groups.size()));
  options.steps = 1;
  BOOST_TEST(rehearsed(options).steps >= 3);
}

BOOST_AUTO_TEST_SUITE_END()

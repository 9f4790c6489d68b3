#include "src/train/device.hpp"

#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>
#include <torch/library.h>

#include <boost/test/unit_test.hpp>
#include <limits>

#include "kernels/kernels.hpp"
#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "src/io/run.hpp"
#include "src/train/state.hpp"
#include "src/train/step.hpp"
#include "tests/support.hpp"
#include "tests/train/runs.hpp"

using namespace taut;

// What Muon and a GPT need there and LibTorch has for Python alone: shapes.
namespace {

at::Tensor shape_of_where(const at::Tensor& condition, const at::Tensor& a, const at::Tensor& b) {
  const auto shape = at::infer_size(at::infer_size(condition.sizes(), a.sizes()), b.sizes());
  return at::empty(shape, condition.options().dtype(at::result_type(a, b)));
}

at::Tensor shape_of_rows(const at::Tensor& x, int64_t dim, const at::Tensor& index) {
  TORCH_CHECK(index.is_meta(), "indices on another device");
  std::vector<int64_t> shape = x.sizes().vec();
  shape[dim] = index.numel();
  return at::empty(shape, x.options());
}

at::Tensor& shape_of_abs(const at::Tensor& x, at::Tensor& out) {
  out.resize_(x.sizes());
  return out;
}

at::Tensor& shape_of_both(const at::Tensor& a, const at::Tensor& b, at::Tensor& out) {
  return const_cast<at::Tensor&>(out.resize_(at::infer_size(a.sizes(), b.sizes())));
}

at::Tensor& shape_of_not(const at::Tensor& a, at::Tensor& out) {
  return const_cast<at::Tensor&>(out.resize_(a.sizes()));
}

at::Tensor& shape_of_number(const at::Tensor& a, std::optional<double>, std::optional<double>,
                            std::optional<double>, at::Tensor& out) {
  return shape_of_not(a, out);
}

at::Tensor shape_of_max(const at::Tensor& x) { return at::empty({}, x.options()); }

}  // namespace

TORCH_LIBRARY_IMPL(aten, Meta, m) {
  m.impl("where.self", shape_of_where);
  m.impl("index_select", shape_of_rows);
  m.impl("abs.out", shape_of_abs);
  m.impl("max", shape_of_max);
  m.impl("logical_and.out", shape_of_both);
  m.impl("logical_or.out", shape_of_both);
  m.impl("logical_not.out", shape_of_not);
  m.impl("nan_to_num.out", shape_of_number);
}

// LibTorch's device "meta" has shapes and no numbers: an operation on it that mixes devices fails,
// and so does whatever asks for a number. It stands in for a GPU that must not be waited for.
namespace {

bool has_gpu() { return at::globalContext().hasCUDA(); }

// A run whose next steps are not the last before something is due. The caps of tables are one
// kernel on GPUs, which has no counterpart on the stand-in.
train::TrainOptions undisturbed(train::TrainOptions o) {
  o.steps = o.evaluate_every = o.checkpoint_every = 1000;
  o.constraint.table = "none";
  return o;
}

train::State state_on_meta(const train::TrainOptions& o, const data::Dataset& dataset) {
  train::State state;
  state.generator = make_generator(o.seed);
  state.network = models::moved(
      models::build(o.model, dataset.input, dataset.classes, state.generator), at::kMeta);
  state.optimizer = {train::make_groups(state.network, o.optimizer, o.constraint), 0, {}, {}};
  state.read_every = 20;
  return state;
}

void step_on_meta(const train::TrainOptions& o, int64_t read_every) {
  const data::Dataset dataset = data::open_dataset(o.data);
  data::Order order = train::order_of(o, dataset);
  train::State state = state_on_meta(o, dataset);
  state.read_every = read_every;
  for (int i = 0; i < 3; ++i) train::advance(state, dataset, order, o);
  BOOST_TEST(state.unread.steps == 3);
  for (const train::Group& group : state.optimizer.groups) BOOST_TEST(group.value.is_meta());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(device_test)

BOOST_AUTO_TEST_CASE(a_step_asks_the_device_for_no_number) {
  for (const char* name :
       {"mlp", "vit", "gpt", "adamw_vit", "adamw_gpt", "sgd_vit", "margin_mlp"}) {
    BOOST_TEST_CONTEXT(name) step_on_meta(undisturbed(test::named_run(name)), 20);
  }
  train::TrainOptions gpt = undisturbed(test::named_run("gpt"));
  gpt.model.rotary = 100;
  gpt.model.query_key_clamp = 1;
  step_on_meta(gpt, 20);
  train::TrainOptions attacked = undisturbed(test::named_run("attacked_mlp"));
  attacked.loss.adversarial_steps = 3;
  for (const char* threat : {"l2", "linf"}) {
    attacked.loss.threat = threat;
    step_on_meta(attacked, 20);
  }
  // The test can tell: a look at the loss does ask.
  BOOST_CHECK_EXCEPTION(step_on_meta(undisturbed(test::named_run("mlp")), 1), c10::Error,
                        [](const c10::Error& error) {
                          return test::contains(error.what(), "Cannot copy out of meta tensor");
                        });
}

// But for LibTorch's own decompositions, which ask a GPU whether they succeeded and do not ask
// here.
BOOST_AUTO_TEST_CASE(no_constraint_asks_the_device_for_a_number) {
  for (const std::string& method : train::constraint_names()) {
    train::TrainOptions o = undisturbed(test::named_run("vit"));
    o.constraint.name = method;
    o.constraint.w_max = 1.2;
    BOOST_TEST_CONTEXT(method) step_on_meta(o, 20);
  }
}

BOOST_AUTO_TEST_CASE(losses_read_late_are_the_same_losses) {
  const train::TrainOptions o = undisturbed(test::named_run("gpt"));
  const data::Dataset dataset = data::open_dataset(o.data);
  const auto tally_after = [&](int64_t read_every) {
    data::Order order = train::order_of(o, dataset);
    train::State state = train::fresh_state(o, dataset);
    state.read_every = read_every;
    for (int i = 0; i < 7; ++i) train::advance(state, dataset, order, o);
    BOOST_TEST(state.tally.steps == 7 / read_every * read_every);
    train::read_losses(state);
    return state.tally;
  };
  const train::Tally at_once = tally_after(1), late = tally_after(3);
  BOOST_TEST(at_once.steps == 7);
  BOOST_TEST(late.steps == 7);
  BOOST_TEST(late.loss == at_once.loss, boost::test_tools::tolerance(1e-14));
  BOOST_TEST(late.correct == at_once.correct);
  BOOST_TEST(late.rows == at_once.rows);
}

// On a GPU no gradient is looked at when it is used.
BOOST_AUTO_TEST_CASE(a_gradient_that_is_not_finite_shows_when_losses_are_read) {
  const train::TrainOptions o = undisturbed(test::named_run("mlp"));
  const data::Dataset dataset = data::open_dataset(o.data);
  data::Order order = train::order_of(o, dataset);
  train::State state = train::fresh_state(o, dataset);
  state.read_every = 20;
  train::advance(state, dataset, order, o);
  train::read_losses(state);
  at::Tensor leaf = train::leaves(state.optimizer.groups).front();
  leaf.register_hook([](const at::Tensor& g) {
    return at::full_like(g, std::numeric_limits<double>::infinity());
  });
  BOOST_CHECK_THROW(train::advance(state, dataset, order, o), Error);  // the CPU does look
  BOOST_TEST(test::contains(test::error_of([&] { train::read_losses(state); }), "gradient"));
}

BOOST_AUTO_TEST_CASE(weights_that_are_not_finite_are_not_saved) {
  const train::TrainOptions o = test::named_run("adamw_vit");
  train::State state = train::fresh_state(o, data::open_dataset(o.data));
  const test::TempFolder folder;
  train::snapshot(state, test::context_in(folder.path()), o);
  state.optimizer.groups.back().value.detach().view({-1})[0] =
      std::numeric_limits<double>::quiet_NaN();
  const std::string error =
      test::error_of([&] { train::snapshot(state, test::context_in(folder.path()), o); });
  BOOST_TEST(test::contains(error, "not finite"));
}

// What a GPU leaves out between evaluations is the proof, not the cap.
BOOST_AUTO_TEST_CASE(without_the_division_caps_hold_up_to_rounding) {
  const at::Generator g = make_generator(test::seed());
  const at::Tensor w = at::randn({3, 48, 80}, g);
  const auto later = kernels::Proof::later;
  const auto top = [&] {
    at::Tensor start;
    return kernels::top_singular(w.narrow(1, 0, 1), start, 8);
  };
  const auto norm = [](const at::Tensor& x) { return kernels::certified_sigma_max(x); };
  BOOST_TEST(norm(w) > 10);
  BOOST_TEST(norm(kernels::hard_cap(w, 2, 0, nullptr, later)) < 2 * (1 + 1e-5));
  BOOST_TEST(norm(kernels::hard_cap(w, 2, 0, nullptr, later)) > 1.999);
  BOOST_TEST(norm(kernels::stiefel(w, 2, nullptr, later)) < 2 * (1 + 1e-4));
  const double normalized = norm(kernels::spectral_normalize(w, 2, nullptr, later));
  BOOST_TEST(normalized < 2 * (1 + 1e-5));
  BOOST_TEST(normalized > 1.97);
  const at::Tensor row = kernels::spectral_hammer(w.narrow(1, 0, 1), top(), 2, nullptr, later);
  BOOST_TEST(norm(row) == 2, boost::test_tools::tolerance(1e-5));
}

BOOST_AUTO_TEST_CASE(a_device_that_is_not_there_is_said) {
  BOOST_TEST(
      test::contains(test::error_of([] { train::open_device("cdua", {}); }), "known: cpu, cuda"));
  if (has_gpu()) return test::skip("there is a GPU");
  BOOST_TEST(test::contains(test::error_of([] { train::open_device("cuda", {}); }), "no GPU"));
}

// Sums are rounded otherwise there: the first losses agree, later ones part slowly.
BOOST_AUTO_TEST_CASE(what_the_cpu_learns_is_learnt_on_cuda) {
  if (!has_gpu()) return test::skip("no GPU");
  for (const char* name : {"mlp", "vit", "gpt", "adamw_vit", "everything"}) {
    std::map<std::string, train::TrainSummary> ends;
    for (const std::string& device : train::device_names()) {
      const test::TempFolder folder;
      train::TrainOptions o = test::named_run(name);
      o.device = device;
      io::create_run(folder / "run", false);
      ends[device] = train::train(o, test::context_in(folder / "run"));
    }
    BOOST_TEST(ends["cuda"].loss == ends["cpu"].loss, boost::test_tools::tolerance(0.05));
  }
}

BOOST_AUTO_TEST_SUITE_END()

#include <boost/test/unit_test.hpp>
#include <functional>
#include <limits>

#include "kernels/kernels.hpp"
#include "src/core/core.hpp"
#include "src/train/options.hpp"
#include "tests/support.hpp"
#include "tests/train/runs.hpp"

using namespace taut;
using train::TrainOptions;

namespace {

// What check() says of the default options after `change`; empty when it accepts them.
std::string complaint(const std::function<void(TrainOptions&)>& change) {
  TrainOptions options;
  change(options);
  try {
    check(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool names(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* part : parts) {
    if (text.find(part) == std::string::npos) {
      BOOST_TEST_MESSAGE("'" << part << "' is not in: " << text);
      return false;
    }
  }
  return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(options_test)

BOOST_AUTO_TEST_CASE(the_defaults_are_valid) {
  BOOST_TEST(complaint([](auto&) {}) == "");
}

// Whole shares for every rank, and no empty ones.
BOOST_AUTO_TEST_CASE(a_batch_has_slices_for_all_ranks) {
  const auto slices = [](int64_t asked, int64_t batch, int ranks) {
    TrainOptions options;
    if (asked > 0) options.slices = asked;
    options.batch = batch;
    return train::slices_of(options, {0, ranks});
  };
  for (const int64_t batch : {2, 3, 7, 128}) {
    BOOST_TEST(slices(0, batch, 1) == 2);
    BOOST_TEST(slices(0, batch, 2) == 2);
  }
  BOOST_TEST(slices(0, 1, 1) == 1);
  BOOST_TEST(slices(0, 128, 3) == 3);
  BOOST_TEST(slices(1, 128, 4) == 4);
  BOOST_TEST(slices(4, 128, 3) == 6);
  BOOST_TEST(slices(3, 3, 2) == 2);
  BOOST_TEST(slices(std::numeric_limits<int64_t>::max(), 7, 2) == 6);
}

BOOST_AUTO_TEST_CASE(a_bad_option_is_named_with_its_range_and_value) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  BOOST_TEST(names(complaint([](auto& o) { o.steps = 0; }), {"steps", "> 0", "got 0"}));
  BOOST_TEST(names(complaint([](auto& o) { o.batch = -4; }), {"batch", "> 0", "got -4"}));
  BOOST_TEST(names(complaint([](auto& o) { o.keep = 0; }), {"keep", "> 0"}));
  BOOST_TEST(names(complaint([](auto& o) { o.evaluate_every = 0; }), {"evaluate_every"}));
  BOOST_TEST(names(complaint([](auto& o) { o.evaluate_examples = 0; }), {"evaluate_examples"}));
  BOOST_TEST(names(complaint([](auto& o) { o.checkpoint_every = 0; }), {"checkpoint_every"}));
  BOOST_TEST(names(complaint([](auto& o) { o.warmup = 1; }), {"warmup", "[0, 1)", "got 1"}));
  BOOST_TEST(
      names(complaint([](auto& o) { o.loss.margin = -1; }), {"loss.margin", ">= 0", "got -1"}));
  BOOST_TEST(names(complaint([&](auto& o) { o.loss.margin = nan; }), {"loss.margin", "nan"}));
  BOOST_TEST(names(complaint([](auto& o) { o.loss.smoothing = 1; }), {"loss.smoothing", "got 1"}));
  BOOST_TEST(names(complaint([](auto& o) { o.optimizer.lr = 0; }), {"optimizer.lr", "> 0"}));
  BOOST_TEST(names(complaint([&](auto& o) { o.optimizer.lr = nan; }), {"optimizer.lr", "nan"}));
  BOOST_TEST(names(complaint([&](auto& o) { o.optimizer.eps = inf; }), {"optimizer.eps", "inf"}));
  BOOST_TEST(names(complaint([](auto& o) { o.loss.margin = 1e31; }),
                   {"loss.margin", "at most 1e+30", "got 1e+31"}));
  BOOST_TEST(names(complaint([](auto& o) { o.optimizer.momentum = 1; }), {"optimizer.momentum"}));
  BOOST_TEST(names(complaint([](auto& o) { o.optimizer.momentum_warmup = 1; }),
                   {"optimizer.momentum_warmup", "[0, 1)"}));
  BOOST_TEST(names(complaint([](auto& o) { o.optimizer.momentum_start = 0.5; }),
                   {"optimizer.momentum_start", "optimizer.momentum_warmup > 0"}));
  BOOST_TEST(names(complaint([](auto& o) { o.optimizer.beta2 = 1; }), {"optimizer.beta2"}));
  BOOST_TEST(
      names(complaint([](auto& o) { o.constraint.w_max = 0; }), {"constraint.w_max", "> 0"}));
  BOOST_TEST(
      names(complaint([](auto& o) { o.constraint.table_rms = -1; }), {"constraint.table_rms"}));
}

BOOST_AUTO_TEST_CASE(unknown_names_list_the_known_ones) {
  BOOST_TEST(
      names(complaint([](auto& o) { o.schedule = "cosin"; }), {"cosin", "linear", "cosine"}));
  BOOST_TEST(
      names(complaint([](auto& o) { o.optimizer.name = "adam"; }), {"adam", "muon", "adamw"}));
  BOOST_TEST(names(complaint([](auto& o) { o.optimizer.polar = "muon"; }), {"muon5", "modula6"}));
  BOOST_TEST(names(complaint([](auto& o) { o.optimizer.polar_steps = -1; }), {"polar steps"}));
  BOOST_TEST(names(complaint([](auto& o) { o.constraint.name = "cap"; }), {"cap", "soft_cap"}));
}

BOOST_AUTO_TEST_CASE(spectral_decay_must_not_turn_the_top_around) {
  BOOST_TEST(names(complaint([](auto& o) {
                     o.constraint.name = "spectral_weight_decay";
                     o.constraint.decay = 11;
                   }),
                   {"constraint.decay", "lr * decay <= 1"}));
}

BOOST_AUTO_TEST_CASE(constraints_of_roles_are_checked_by_role) {
  BOOST_TEST(names(complaint([](auto& o) { o.constraint.head = "cap"; }), {"constraint.head"}));
  BOOST_TEST(names(complaint([](auto& o) { o.constraint.attention = "row_cap"; }),
                   {"constraint.attention", "row_cap"}));
  BOOST_TEST(names(complaint([](auto& o) { o.constraint.table = "soft_cap"; }),
                   {"constraint.table", "soft_cap acts on the spectral norm", "row_cap"}));
  BOOST_TEST(names(complaint([](auto& o) { o.constraint.table = "rowcap"; }),
                   {"constraint.table", "nearest: 'row_cap'"}));
  BOOST_TEST(names(complaint([](auto& o) { o.constraint.heads = "both"; }), {"constraint.heads"}));
  BOOST_TEST(names(complaint([](auto& o) { o.constraint.w_max_value = 0.01; }),
                   {"optimizer.lr", "constraint.w_max_value"}));
  BOOST_TEST(names(complaint([](auto& o) { o.constraint.w_max_query_key = -1; }),
                   {"constraint.w_max_query_key"}));
  BOOST_TEST(names(complaint([](auto& o) { o.constraint.start = 0; }), {"constraint.start"}));
  BOOST_TEST(names(complaint([](auto& o) {
                     o.constraint.start = 1e6;
                     o.steps = 10;
                   }),
                   {"constraint.start", "too fast"}));
  BOOST_TEST(names(complaint([](auto& o) {
                     o.optimizer.name = "adamw";
                     o.constraint.name = "hard_cap";
                     o.constraint.lazy = true;
                   }),
                   {"constraint.lazy", "muon"}));
}

BOOST_AUTO_TEST_CASE(a_soft_cap_needs_a_bounded_update) {
  BOOST_TEST(names(complaint([](auto& o) { o.optimizer.name = "adamw"; }),
                   {"soft_cap", "muon", "adamw", "hard_cap"}));
  BOOST_TEST(complaint([](auto& o) {
               o.optimizer.name = "adamw";
               o.constraint.name = "none";
             }) == "");
}

// The check and the kernel must agree on where the soft cap stops being one.
BOOST_AUTO_TEST_CASE(the_largest_rate_is_that_of_the_soft_cap) {
  const double update = kernels::worst_output(kernels::PolarSet::modula6);
  for (const double w_max : {0.5, 1.0, 3.0}) {
    const double largest = 19.0 / 62.0 * w_max / update;
    const auto with = [&](double lr) {
      return complaint([&](auto& o) {
        o.constraint.w_max = w_max;
        o.constraint.w_max_head = 100;
        o.optimizer.lr = lr;
      });
    };
    BOOST_TEST(with(largest * (1 - 1e-9)) == "");
    BOOST_CHECK_NO_THROW(kernels::soft_cap_coupling(w_max, largest * (1 - 1e-9), 0, update));
    BOOST_TEST(names(with(largest * (1 + 1e-9)), {"optimizer.lr", "constraint.w_max"}));
    BOOST_CHECK_THROW(kernels::soft_cap_coupling(w_max, largest * (1 + 1e-9), 0, update), Error);
  }
  BOOST_TEST(names(complaint([](auto& o) { o.constraint.w_max_head = 0.1; }),
                   {"optimizer.lr", "constraint.w_max_head"}));
}

// A constant beyond fp32 is refused before anything is written.
BOOST_AUTO_TEST_CASE(a_certificate_that_no_loss_can_ask_for_is_refused) {
  TrainOptions o = test::images_run("vit");
  const data::Dataset dataset = data::open_dataset(o.data);
  const models::Network network =
      models::build(o.model, dataset.input, dataset.classes, make_generator(1));
  o.loss.certified_eps = 0.1;
  BOOST_CHECK_NO_THROW(check(o, network));
  o.loss.certified_eps = 1e39;
  BOOST_TEST(names(test::error_of([&] { check(o, network); }), {"loss.certified_eps"}));
  o.loss.certified_eps = 0;
  o.loss.threat = "every_token";
  BOOST_TEST(names(test::error_of([&] { check(o, network); }), {"every_token", "l2"}));
}

BOOST_AUTO_TEST_CASE(what_training_does_to_inputs_must_fit_them) {
  const auto refused = [](TrainOptions o, data::Augmentation how) {
    o.data.augmentation = how;
    const data::Dataset dataset = data::open_dataset(o.data);
    const models::Network network =
        models::build(o.model, dataset.input, dataset.classes, make_generator(1));
    return test::error_of([&] { check(o, network); });
  };
  BOOST_TEST(refused(test::images_run("vit"), {true, 1, 0}) == "");
  BOOST_TEST(refused(test::text_run(), {false, 0, 0.1}) == "");
  BOOST_TEST(names(refused(test::images_run("vit"), {false, 0, 0.1}), {"data.noise", "images"}));
  BOOST_TEST(refused(test::images_run("vit"), {false, 4, 0}) == "");
  BOOST_TEST(names(refused(test::images_run("vit"), {false, 5, 0}),
                   {"data.shift", "at most the 4 pixels", "got 5"}));
  BOOST_TEST(names(refused(test::images_run("vit"), {false, 2147483647, 0}), {"data.shift"}));
  BOOST_TEST(names(refused(test::text_run(), {true, 0, 0}), {"data.flip", "images"}));
  BOOST_TEST(names(refused(test::text_run(), {false, 2, 0}), {"data.shift", "images"}));
  BOOST_TEST(names(complaint([](auto& o) { o.data.augmentation.noise = 1; }), {"data.noise"}));
  BOOST_TEST(names(complaint([](auto& o) { o.data.augmentation.noise = NAN; }), {"data.noise"}));
}

BOOST_AUTO_TEST_SUITE_END()

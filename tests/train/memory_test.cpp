#include "src/train/memory.hpp"

#include <ATen/ATen.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "src/core/core.hpp"
#include "src/train/rehearsal.hpp"
#include "src/train/state.hpp"
#include "tests/support.hpp"
#include "tests/train/runs.hpp"

using namespace taut;

BOOST_AUTO_TEST_SUITE(memory_test)

// Never more than what weights, gradients and momentum really weigh, with a batch.
BOOST_AUTO_TEST_CASE(the_least_is_a_lower_bound_and_near) {
  for (const char* name : {"mlp", "vit", "gpt", "adamw_vit", "adamw_gpt"}) {
    train::TrainOptions o = test::named_run(name);
    o.batch = 1;
    o.model.width = 256;
    const data::Dataset dataset = data::open_dataset(o.data);
    const train::State state = train::fresh_state(o, dataset);
    const auto parameters = static_cast<double>(models::parameter_count(state.network));
    const double least = train::least_bytes(o, dataset);
    const double passes =
        4.0 * 256 * static_cast<double>((dataset.input.context + 1) * o.model.blocks);
    BOOST_TEST(least <= 12 * parameters + passes + 4e3, name);
    BOOST_TEST(least > 6 * parameters, name);
  }
  train::TrainOptions o = test::named_run("gpt");
  const data::Dataset dataset = data::open_dataset(o.data);
  const double one = train::least_bytes(o, dataset);
  o.model.blocks *= 2;
  BOOST_TEST(train::least_bytes(o, dataset) > one);
  o.batch = 1LL << 40;
  BOOST_CHECK_THROW(train::check_memory(o, dataset), Error);
}

// What a whole slice keeps is that of its examples, and little more.
BOOST_AUTO_TEST_CASE(a_slice_keeps_what_its_examples_keep) {
  for (const char* name : {"margin_mlp", "vit", "gpt", "adamw_vit", "adamw_gpt", "bf16_vit"}) {
    const bool half = std::string(name) == "bf16_vit";
    train::TrainOptions o = test::named_run(half ? "vit" : name);
    if (half) o.precision = "bf16";
    o.batch = 64;
    o.slices = 2;
    o.loss.certified_eps = 0;
    const data::Dataset dataset = data::open_dataset(o.data);
    train::State state = train::fresh_state(o, dataset);
    const double examples = 32 * train::bytes_an_example(state.network, dataset, o);
    const auto kept = static_cast<double>(train::rehearse(state, dataset, o).kept_bytes);
    BOOST_TEST(examples <= kept, name);
    BOOST_TEST(examples > 0.8 * kept, name);
  }
}

BOOST_AUTO_TEST_CASE(slices_that_fit_are_accepted_and_others_not) {
  train::TrainOptions o = test::named_run("vit");
  const data::Dataset dataset = data::open_dataset(o.data);
  const train::State state = train::fresh_state(o, dataset);
  const auto complaint = [&](int64_t batch, int64_t slices, int ranks) {
    o.batch = batch;
    o.slices = slices;
    return test::error_of([&] {
      train::check_slice_memory(state.network, dataset, o, {0, ranks});
    });
  };
  const double machine =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  const int64_t sixteenths =
      static_cast<int64_t>(machine / 2 / train::bytes_an_example(state.network, dataset, o));
  const int64_t many = 16 * sixteenths;  // eight machines full
  BOOST_TEST(complaint(16, 1, 1) == "");
  for (const auto& [slices, ranks] : {std::pair{1, 1}, std::pair{2, 1}, std::pair{2, 4}}) {
    const std::string what =
        fmt::format("slices of {} examples need at least", many / std::max(slices, ranks));
    BOOST_TEST(test::contains(complaint(many, slices, ranks), what), what);
  }
  BOOST_TEST(complaint(many, sixteenths, 1) == "");
  o.device = "cuda";
  BOOST_TEST(complaint(many, 2, 1) == "");
}

BOOST_AUTO_TEST_SUITE_END()

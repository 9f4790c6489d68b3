#include "src/train/memory.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "src/core/core.hpp"
#include "src/train/state.hpp"
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

BOOST_AUTO_TEST_SUITE_END()

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <set>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/train/step.hpp"
#include "tests/support.hpp"
#include "tests/train/runs.hpp"

using namespace taut;
using models::Role;

namespace {

std::map<std::string, at::Tensor> values_of(const models::Network& network) {
  std::map<std::string, at::Tensor> all;
  models::for_each_tensor(network, [&](const std::string& path, const at::Tensor& t, Role) {
    all[path] = t.detach().clone();
  });
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(groups_test)

BOOST_AUTO_TEST_CASE(grouping_keeps_every_value_and_leaves_constants_alone) {
  for (const char* name : {"mlp", "vit", "gpt", "adamw_vit", "adamw_gpt", "sgd_vit"}) {
    const train::TrainOptions o = test::named_run(name);
    const data::Dataset dataset = data::open_dataset(o.data);
    models::Network network =
        models::build(o.model, dataset.input, dataset.classes, make_generator(o.seed));
    const auto before = values_of(network);
    const auto groups = train::make_groups(network, o.optimizer, o.constraint);
    const auto after = values_of(network);
    BOOST_TEST_REQUIRE(before.size() == after.size());
    for (const auto& [path, value] : before) BOOST_TEST(at::equal(value, after.at(path)), path);
    models::for_each_tensor(network, [&](const std::string& path, at::Tensor& t, Role role) {
      BOOST_TEST((t.requires_grad() && t.is_leaf()) == models::is_trained(role), path);
    });
    size_t members = 0;
    for (const auto& group : groups) members += group.members.size();
    BOOST_TEST(members == train::leaves(groups).size());
  }
}

// The network's tensors are the group's memory: a step of one is a step of the other.
BOOST_AUTO_TEST_CASE(every_parameter_moves_and_no_constant_does) {
  for (const char* name : {"mlp", "vit", "gpt", "adamw_vit", "adamw_gpt", "sgd_vit"}) {
    train::TrainOptions o = test::named_run(name);
    o.optimizer.weight_decay = 0;
    const data::Dataset dataset = data::open_dataset(o.data);
    train::State state = train::fresh_state(o, dataset);
    data::Order order = train::order_of(o, dataset);
    const auto before = values_of(state.network);
    // The branches end in zero weights: what lies before them moves from the second step on.
    for (int i = 0; i < 4; ++i) train::advance(state, dataset, order, o);
    models::for_each_tensor(
        state.network, [&](const std::string& path, const at::Tensor& t, Role role) {
          // A key bias shifts all logits of a row alike: its gradient is rounding.
          if (path.find("key.bias") != std::string::npos) return;
          BOOST_TEST(at::equal(before.at(path), t.detach()) == !models::is_trained(role),
                     name << " " << path);
        });
  }
}

BOOST_AUTO_TEST_CASE(heads_of_all_blocks_are_stepped_together) {
  const train::TrainOptions o = test::named_run("vit");
  const data::Dataset dataset = data::open_dataset(o.data);
  models::Network network =
      models::build(o.model, dataset.input, dataset.classes, make_generator(o.seed));
  bool found = false;
  for (const auto& group : train::make_groups(network, o.optimizer, o.constraint)) {
    if (group.members.front().path.find("query") == std::string::npos) continue;
    found = true;
    // query, key and value of two blocks with two heads each
    BOOST_TEST(group.value.sizes() == at::IntArrayRef({12, 8, 16}));
  }
  BOOST_TEST(found);
}

BOOST_AUTO_TEST_CASE(state_of_another_optimizer_is_refused) {
  const train::TrainOptions muon = test::named_run("vit");
  const train::TrainOptions adamw = test::named_run("adamw_vit");
  const data::Dataset dataset = data::open_dataset(muon.data);
  train::State state = train::fresh_state(muon, dataset);
  const io::Checkpoint checkpoint = train::snapshot(state, {}, muon);
  BOOST_CHECK_NO_THROW(train::resumed_state(muon, dataset, checkpoint));
  BOOST_CHECK_THROW(train::resumed_state(adamw, dataset, checkpoint), Error);
  io::Checkpoint other = checkpoint;
  other.optimizer.begin()->second = at::zeros({3});
  BOOST_CHECK_THROW(train::resumed_state(muon, dataset, other), Error);
  other = checkpoint;
  other.random_state = at::zeros({8}, at::kByte);
  BOOST_CHECK_THROW(train::resumed_state(muon, dataset, other), Error);
  BOOST_CHECK_THROW(
      train::resumed_state(muon, data::open_dataset({"synthetic_text", 12}), checkpoint), Error);
}

BOOST_AUTO_TEST_CASE(a_gradient_that_is_not_finite_stops_with_the_step) {
  for (const char* name : {"mlp", "adamw_vit"}) {
    const train::TrainOptions o = test::named_run(name);
    const data::Dataset dataset = data::open_dataset(o.data);
    train::State state = train::fresh_state(o, dataset);
    data::Order order = train::order_of(o, dataset);
    train::advance(state, dataset, order, o);
    state.optimizer.groups.front().value.fill_(std::numeric_limits<float>::infinity());
    try {
      train::advance(state, dataset, order, o);
      BOOST_ERROR("expected an Error");
    } catch (const Error& error) {
      BOOST_TEST(std::string(error.what()).find("step 2:") != std::string::npos, error.what());
    }
  }
}

// The first step of two runs that differ in nothing else: W - lr decay W_0 where the role decays.
BOOST_AUTO_TEST_CASE(weight_decay_acts_on_its_roles_alone) {
  constexpr double kDecay = 0.5;
  const std::map<std::string, std::set<Role>> roles = {
      {"name", {Role::hidden, Role::output, Role::query, Role::key, Role::value, Role::head}},
      {"attention", {Role::query, Role::key, Role::value}},
      {"head", {Role::head}},
      {"table", {Role::embedding}}};
  for (const char* optimizer : {"muon", "adamw", "sgd"}) {
    for (const auto& [where, decaying] : roles) {
      train::TrainOptions o = test::text_run();
      o.model.zero_outputs = false;
      o.optimizer.name = optimizer;
      o.optimizer.lr = 0.05;
      o.schedule = "constant";
      o.constraint.name = "none";
      o.constraint.decay = kDecay;
      const auto stepped = [&](const std::string& method) {
        train::ConstraintOptions& c = o.constraint;
        (where == "name"        ? c.name
         : where == "attention" ? c.attention
         : where == "head"      ? c.head
                                : c.table) = method;
        if (where == "name") c.table = "none";
        const data::Dataset dataset = data::open_dataset(o.data);
        train::State state = train::fresh_state(o, dataset);
        auto before = values_of(state.network);
        data::Order order = train::order_of(o, dataset);
        train::advance(state, dataset, order, o);
        return std::tuple(before, values_of(state.network), state.network);
      };
      const auto [start, free, network] = stepped("none");
      const auto [same, decayed, other] = stepped("weight_decay");
      models::for_each_tensor(network, [&](const std::string& path, const at::Tensor&, Role role) {
        const double share = decaying.contains(role) ? 0.05 * kDecay : 0;
        const at::Tensor expected = free.at(path) - share * start.at(path);
        const double apart = (decayed.at(path) - expected).abs().max().item<double>();
        BOOST_TEST(apart <= (share > 0 ? 1e-6 : 0.0), optimizer << " " << where << " " << path);
      });
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

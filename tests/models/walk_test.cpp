#include <boost/test/unit_test.hpp>

#include <map>

#include "tests/models/sample.hpp"

using namespace taut;
using namespace taut::test;

namespace {

std::map<std::string, Role> roles(const Network& network) {
  std::map<std::string, Role> found;
  for_each_tensor(network, [&](const std::string& path, const Tensor& tensor, Role role) {
    BOOST_TEST(tensor.defined(), path);
    BOOST_TEST(found.count(path) == 0, path);
    found[path] = role;
  });
  return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(walk_test)

BOOST_AUTO_TEST_CASE(every_defined_tensor_is_visited_once_with_its_role) {
  const auto text = roles(sample_text());
  BOOST_TEST(text.size() == 15);
  BOOST_TEST((text.at("embedding.table") == Role::embedding));
  BOOST_TEST((text.at("position.table") == Role::position));
  BOOST_TEST((text.at("a.attention.query.weight") == Role::query));
  BOOST_TEST((text.at("a.attention.position_bias") == Role::position_bias));
  BOOST_TEST((text.at("a.norm.weight") == Role::gain));
  BOOST_TEST((text.at("m.up.weight") == Role::hidden));
  BOOST_TEST((text.at("m.up.bias") == Role::bias));
  BOOST_TEST((text.at("head.weight") == Role::head));
  BOOST_TEST(text.count("m.down.bias") == 0);
  const auto images = roles(sample_images());
  BOOST_TEST((images.at("normalize.mean") == Role::constant));
  BOOST_TEST((images.at("embed.weight") == Role::hidden));
  BOOST_TEST((images.at("head.weight") == Role::head));
}

// The head is the last linear layer also where a cap on the logits stands behind it.
BOOST_AUTO_TEST_CASE(the_head_is_found_behind_a_cap_on_the_logits) {
  const Network capped = sample_capped_logits();
  BOOST_TEST(head_index(capped) + 2 == capped.layers.size());
  BOOST_TEST_REQUIRE(logit_cap(capped) != nullptr);
  BOOST_TEST(logit_cap(capped)->gain == 15);
  const auto found = roles(capped);
  BOOST_TEST((found.at("head.weight") == Role::head));
  BOOST_TEST((found.at("blocks.0.attention.rotary") == Role::rotary));
  BOOST_TEST((found.at("blocks.0.mlp.up.weight") == Role::hidden));
  const Network plain = sample_text();
  BOOST_TEST(head_index(plain) + 1 == plain.layers.size());
  BOOST_TEST(logit_cap(plain) == nullptr);
  Network headless = plain;
  headless.layers.pop_back();
  BOOST_TEST(head_index(headless) == headless.layers.size());
  BOOST_TEST(contains(error_of([&] { head_of(headless); }), "linear layer"));
  // Falling, it would turn the ranking round.
  Network falling = capped;
  std::get<Activation>(falling.layers.back().kind).gain = -15;
  BOOST_TEST(logit_cap(falling) == nullptr);
}

BOOST_AUTO_TEST_CASE(parameters_are_counted_without_constants) {
  // embed 6 x 4 + 6, position 4 x 6, norm 2 x 6, attention 4 x 36 + 6 + 6, norm 6, up 8 x 6 + 8,
  // down 6 x 8, head 3 x 6 + 3; the mean and deviation of the pixels are not trained.
  BOOST_TEST(parameter_count(sample_images()) == 30 + 24 + 12 + 156 + 6 + 56 + 48 + 21);
}

BOOST_AUTO_TEST_CASE(a_converted_network_shares_nothing_with_its_source) {
  const Network network = sample_images();
  Network copy = converted(network, at::kFloat);
  BOOST_TEST(same(network.layers, copy.layers));
  for_each_tensor(copy, [](const std::string&, Tensor& tensor, Role) { tensor.zero_(); });
  BOOST_TEST(same(network.layers, sample_images().layers));
  BOOST_TEST((dtype_of(network) == at::kFloat));
  BOOST_TEST((dtype_of(converted(network, at::kDouble)) == at::kDouble));
}

BOOST_AUTO_TEST_CASE(kinds_are_made_by_the_names_they_carry) {
  for (const std::string& name : kind_names()) BOOST_TEST(kind_name(make_kind(name)) == name);
  BOOST_TEST(kind_names().size() == std::variant_size_v<Kind>);
  BOOST_TEST(contains(error_of([] { make_kind("atention"); }), "attention"));
}

BOOST_AUTO_TEST_SUITE_END()

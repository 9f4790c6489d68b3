#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::models;

namespace {

NamedTensors weights(std::initializer_list<std::pair<const char*, std::array<int64_t, 2>>> shapes) {
  NamedTensors all;
  for (const auto& [name, shape] : shapes) {
    all[std::string(name) + ".weight"] = at::ones({shape[0], shape[1]});
  }
  return all;
}

// The names of the layers in the order in which they act.
std::string order_of(const NamedTensors& tensors) {
  ForeignOptions options;
  options.activation = "relu";
  std::string order;
  for (const DescribedLayer& d : describe_foreign("mlp", tensors, options).layers) {
    const auto weight = d.tensors.find("weight");
    if (weight != d.tensors.end()) order += weight->second.from.substr(0, 1);
  }
  return order;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(foreign_mlp_test)

BOOST_AUTO_TEST_CASE(layers_act_in_the_order_of_their_numbers) {
  BOOST_TEST(order_of(weights({{"0", {8, 4}}, {"2", {8, 8}}, {"4", {8, 8}}, {"6", {3, 8}}})) ==
             "0246");
  BOOST_TEST(
      order_of(weights(
          {{"1.hidden", {8, 8}}, {"2.hidden", {8, 8}}, {"input", {8, 4}}, {"out", {3, 8}}})) ==
      "i12o");
}

// In the order of the alphabet these fit too, as another network.
BOOST_AUTO_TEST_CASE(names_without_numbers_tell_no_order) {
  const std::string error = test::error_of([] {
    order_of(weights({{"input", {8, 8}}, {"hidden", {8, 8}}, {"output", {3, 8}}}));
  });
  BOOST_TEST(test::contains(error, "more than one order"), error);
}

BOOST_AUTO_TEST_CASE(or_in_the_only_order_in_which_they_fit) {
  BOOST_TEST(order_of(weights({{"out", {3, 6}}, {"in", {8, 4}}, {"mid", {6, 8}}})) == "imo");
}

// Which of the two square layers comes first stands nowhere: a guess would certify another network.
BOOST_AUTO_TEST_CASE(more_than_one_order_is_refused) {
  const auto two = weights({{"input", {8, 4}}, {"a", {8, 8}}, {"b", {8, 8}}, {"out", {3, 8}}});
  const std::string error = test::error_of([&] { order_of(two); });
  BOOST_TEST(test::contains(error, "more than one order"), error);
  const std::string none = test::error_of([&] {
    order_of(weights({{"a", {8, 4}}, {"b", {3, 7}}}));
  });
  BOOST_TEST(test::contains(none, "do not fit"), none);
}

BOOST_AUTO_TEST_SUITE_END()

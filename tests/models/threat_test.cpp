#include <boost/test/unit_test.hpp>

#include "tests/models/sample.hpp"

using namespace taut;
using namespace taut::test;

BOOST_AUTO_TEST_SUITE(threat_test)

BOOST_AUTO_TEST_CASE(pixels_move_inside_their_box_embeddings_anywhere) {
  InputSpec pixels = sample_images().input;
  pixels.low = -1;
  const Threat linf = parse_threat("linf", pixels);
  BOOST_TEST((linf == Threat{Space::pixels, Norm::linf, Box{-1, 1}}));
  BOOST_TEST(describe(linf) == "linf, pixels in [-1, 1]");
  const Threat every = parse_threat("every_token", sample_text().input);
  BOOST_TEST((every == Threat{Space::embedding, Norm::every_token, std::nullopt}));
  BOOST_TEST((parse_threat("l2", pixels).space == Space::pixels));
  BOOST_TEST((parse_threat("l2", sample_text().input).space == Space::embedding));
}

BOOST_AUTO_TEST_CASE(every_name_of_an_input_is_read_back) {
  for (const InputSpec& input : {sample_images().input, sample_text().input}) {
    for (const std::string& name : threat_names(input)) {
      BOOST_TEST(threat_name(parse_threat(name, input)) == name);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_threat_is_answered_with_what_the_input_allows) {
  const auto refused = [](const char* name, const InputSpec& input) {
    return error_of([&] { parse_threat(name, input); });
  };
  BOOST_TEST(contains(refused("one_token", sample_images().input), "linf"));
  BOOST_TEST(contains(refused("linf", sample_text().input), "every_token"));
  BOOST_TEST(contains(refused("", sample_text().input), "one_token"));
}

BOOST_AUTO_TEST_SUITE_END()

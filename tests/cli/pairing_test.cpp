#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "src/io/io.hpp"
#include "tests/cli/foreign.hpp"

// A certificate and an attack are set side by side only when both are about the same network and
// the same examples.
using namespace taut;
using namespace taut::test;

BOOST_AUTO_TEST_SUITE(pairing_test)

BOOST_AUTO_TEST_CASE(other_weights_under_the_same_name_are_not_mixed_up) {
  const TempFolder folder;
  io::TensorFile weights = sequential();
  const std::string file = saved(folder, weights);
  done(call(folder, {"certify", file, "--data", "synthetic"}, kMlp));
  weights.tensors["1.bias"] = weights.tensors["1.bias"] + 1;
  saved(folder, weights);
  const Outcome attacked = done(call(folder, {"attack", file, "--data", "synthetic", "--examples",
                                              "5", "--steps", "2", "--search", "0"}));
  BOOST_TEST(contains(attacked.err, "left out"), attacked.err);
}

// The same weights under another activation are another network: what is proved of the one says
// nothing about the other.
BOOST_AUTO_TEST_CASE(other_networks_of_the_same_weights_are_not_mixed_up) {
  const TempFolder folder;
  const std::string file = saved(folder, sequential());
  done(call(folder, {"certify", file, "--data", "synthetic"}, kMlp));
  const std::vector<std::string> attack = {"attack", file,      "--data", "synthetic", "--examples",
                                           "5",      "--steps", "2",      "--search",  "0"};
  BOOST_TEST(!contains(done(call(folder, attack, kMlp)).err, "left out"));
  const std::vector<std::string> other = {"--model", "mlp", "--activation", "abs"};
  BOOST_TEST(contains(done(call(folder, attack, other)).err, "left out"));
  // The attack of the one network is in the file now, the certificate is of the other.
  const Outcome compared = done(call(folder, {"compare", file, "--data", "synthetic"}, kMlp));
  BOOST_TEST(contains(compared.err, "attack.h5, l2 is of checkpoint"), compared.err);
  BOOST_TEST(!contains(compared.err, "certificate.h5 is of checkpoint"), compared.err);
}

// Rows are numbered: a certificate of other examples would be compared with them by number.
BOOST_AUTO_TEST_CASE(results_on_other_examples_are_not_mixed_up) {
  const TempFolder folder;
  const std::string file = saved(folder, sequential());
  const std::string examples = (folder / "examples.safetensors").string();
  const auto put = [&](double pixel) {
    io::write_safetensors(examples, {{},
                                     {{"input", at::full({3, 1, 4, 4}, pixel, at::kFloat)},
                                      {"label", at::zeros({3}, at::kLong)}}});
  };
  put(0.25);
  done(call(folder, {"certify", file, "--data", examples}, kMlp));
  const std::vector<std::string> attack = {"attack", file, "--data", examples, "--steps", "2"};
  BOOST_TEST(!contains(done(call(folder, attack, kMlp)).err, "left out"));
  put(0.75);
  BOOST_TEST(contains(done(call(folder, attack, kMlp)).err, "other examples"));
  const Outcome compared = done(call(folder, {"compare", file, "--data", examples}, kMlp));
  BOOST_TEST(contains(compared.err, "other examples"), compared.err);
}

BOOST_AUTO_TEST_SUITE_END()

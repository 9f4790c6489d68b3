#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <boost/test/unit_test.hpp>

#include "certify/certify.hpp"
#include "models/activations.hpp"
#include "src/core/core.hpp"
#include "tests/certify/networks.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::certify;
using namespace taut::models;

namespace {

// One bound a layer, in the order in which the forward pass sees them, and none exceeded.
void check_against(const Network& network, const Threat& threat, const at::Tensor& input) {
  const at::NoGradGuard no_grad;
  const std::vector<Upper> bounds = token_norms(network, Norms(network), threat);
  size_t at = 0;
  int close = 0;
  forward_watched(network, input, [&](const Layer& layer, const at::Tensor& out) {
    BOOST_TEST_REQUIRE(at < bounds.size());
    // Images are one long token until Patchify makes several.
    const bool image = std::holds_alternative<PixelNormalize>(layer.kind);
    const at::Tensor sizes = image ? out.flatten(1).norm(2, -1) : out.norm(2, -1);
    const double longest = sizes.max().item<double>(), bound = bounds[at++].value();
    BOOST_TEST(longest <= bound * (1 + 1e-5), layer.name << ": " << longest << " > " << bound);
    close += longest > bound / 3 ? 1 : 0;
    return out;
  });
  BOOST_TEST(at == bounds.size());
  BOOST_TEST(close > 2);  // bounds of other layers would be as good otherwise
}

}  // namespace

BOOST_AUTO_TEST_SUITE(token_norms_test)

BOOST_AUTO_TEST_CASE(no_token_of_a_clean_input_is_longer) {
  for (uint64_t draw = 0; draw < 20; ++draw) {
    for (const char* style : {"lipschitz", "standard"}) {
      at::Generator g = make_generator(test::seed() + draw);
      const Network vit = test::small_vit(style, g);
      check_against(vit, parse_threat("l2", vit.input), at::rand({50, 1, 4, 4}, g));
      const Network gpt = test::small_gpt(style, g);
      check_against(gpt, parse_threat("every_token", gpt.input),
                    at::randint(7, {50, 6}, g, at::TensorOptions(at::kLong)));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

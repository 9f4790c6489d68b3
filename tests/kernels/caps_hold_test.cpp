#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>

#include "kernels/kernels.hpp"
#include "src/core/core.hpp"
#include "tests/kernels/oracle.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;
using kernels::HardCap;

namespace {

struct Draw {
  at::Tensor x;
  double limit;
  std::mt19937_64& random;
};

struct Cap {
  const char* name;
  std::function<at::Tensor(const Draw&)> run;
};

const std::vector<Cap>& caps() {
  static const std::vector<Cap> all{
      {"soft_cap",
       [](const Draw& d) {
         // Weights within the cap and a step of the largest size that the coupling allows.
         const double lr = d.limit * 0.3 * static_cast<double>(d.random() % 1000) / 1000;
         const at::Tensor held = kernels::cap_certified(d.x, d.limit + lr);
         const at::Tensor soft =
             kernels::soft_cap(held, kernels::soft_cap_coupling(d.limit, lr, 0));
         return kernels::cap_certified(soft, d.limit);
       }},
      {"hard_cap", [](const Draw& d) { return kernels::hard_cap(d.x, d.limit); }},
      {"hard_cap eigen",
       [](const Draw& d) {
         return kernels::cap_certified(kernels::hard_cap_by(HardCap::eigen, d.x, d.limit), d.limit);
       }},
      {"hard_cap bounded",
       [](const Draw& d) {
         const at::Tensor held = kernels::cap_certified(d.x, 1.1 * d.limit);
         return kernels::cap_certified(kernels::hard_cap_by(HardCap::bounded, held, d.limit),
                                       d.limit);
       }},
      {"hard_cap msign",
       [](const Draw& d) {
         const at::Tensor held = kernels::cap_certified(d.x, 5 * d.limit);
         return kernels::cap_certified(kernels::hard_cap_by(HardCap::msign, held, d.limit),
                                       d.limit);
       }},
      {"spectral_normalize",
       [](const Draw& d) { return kernels::spectral_normalize(d.x, d.limit); }},
      {"spectral_hammer",
       [](const Draw& d) {
         at::Tensor start;
         const kernels::TopPair top = kernels::top_singular(d.x, start, 1 + d.random() % 4);
         return kernels::spectral_hammer(d.x, top, d.limit);
       }},
      {"stiefel", [](const Draw& d) { return kernels::stiefel(d.x, d.limit); }},
  };
  return all;
}

constexpr at::ScalarType kDtypes[] = {at::kFloat, at::kDouble, at::kBFloat16};

Draw random_draw(std::mt19937_64& random) {
  const int64_t rows = 1 + random() % 6, cols = 1 + random() % 6;
  const double scale = std::exp2(static_cast<double>(random() % 40) - 20);
  const double share = std::exp2(static_cast<double>(random() % 80) / 10 - 4);
  at::Tensor x = at::randn({rows, cols}, make_generator(random()), at::kDouble) * scale;
  if (random() % 4 == 0) {  // all on the limit, or close beside it
    const Spectrum flat(std::min(rows, cols), scale);
    x = stored(with_spectrum(rows, cols, flat, random()));
  }
  return {x.to(kDtypes[random() % 3]), scale * share, random};
}

double rms(const at::Tensor& rows) {
  return rows.to(at::kDouble).square().mean(-1).sqrt().max().item<double>();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(caps_hold_test)

// The theorem that every cap ends in, for what is stored.
BOOST_AUTO_TEST_CASE(ten_thousand_draws_hold_their_limit) {
  std::mt19937_64 random(seed());
  constexpr int draws = 10000;
  int acted = 0;
  for (int draw = 0; draw < draws; ++draw) {
    const Draw d = random_draw(random);
    const Cap& cap = caps()[draw % caps().size()];
    const at::Tensor held = cap.run(d);
    BOOST_REQUIRE(held.scalar_type() == d.x.scalar_type());
    BOOST_REQUIRE_MESSAGE(kernels::certified_sigma_max(held) <= d.limit,
                          cap.name << ", draw " << draw << " of " << toString(d.x.scalar_type())
                                   << ' ' << shape_text(d.x.sizes()) << ", limit " << d.limit);
    acted += held.equal(d.x) ? 0 : 1;
  }
  BOOST_TEST(acted > draws / 4);  // or nothing was tried
}

// The proof does not share its arithmetic with this: singular values in long double.
BOOST_AUTO_TEST_CASE(what_is_held_is_held_in_higher_precision) {
  std::mt19937_64 random(seed() + 1);
  for (int draw = 0; draw < 700; ++draw) {
    const Draw d = random_draw(random);
    BOOST_TEST(largest_singular_value(caps()[draw % caps().size()].run(d)) <= Real(d.limit));
  }
}

BOOST_AUTO_TEST_CASE(rows_of_random_tables_hold_their_rms) {
  std::mt19937_64 random(seed() + 2);
  for (int draw = 0; draw < 500; ++draw) {
    const Draw d = random_draw(random);
    BOOST_TEST(rms(kernels::row_rms_cap(d.x, d.limit)) <= d.limit * (1 + 1e-14));
  }
}

BOOST_AUTO_TEST_SUITE_END()

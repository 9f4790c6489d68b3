#pragma once

#include "models/network.hpp"
#include "models/threat.hpp"

namespace taut::certify {

// log10 of the constant that the formula of Newhouse et al. 2025 (arXiv 2507.13338, appendix C and
// the code that measured their tables) states for the last hidden token, for comparison only: it
// takes the norms of all heads stacked, as if there were one head, and that is *not a bound* where
// there are several. Tokens are measured as here (l2 each; as their RMS -> RMS, since both ends are
// equally wide). NaN for networks that it does not speak of: with norm layers, biases, normalised
// or clamped queries and keys, or a mean over tokens.
double published_log10_constant(const models::Network& network, const models::Threat& threat);

}  // namespace taut::certify

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/network.hpp"

// What may move, and measured how: a value that certify and attacks share, never a code path.
namespace taut::models {

enum class Space { pixels, embedding };

// l2: Euclidean norm of the whole perturbation; linf: largest entry; every_token: largest token
// norm (2,inf); one_token: Euclidean norm of the only token that moves.
enum class Norm { l2, linf, every_token, one_token };

struct Box {
  double low = 0, high = 1;
  bool operator==(const Box&) const = default;
};

struct Threat {
  Space space = Space::pixels;
  Norm norm = Norm::l2;
  std::optional<Box> box;  // perturbed inputs stay inside; none: anywhere
  bool operator==(const Threat&) const = default;
};

// "l2" or "linf" on pixels, "every_token", "one_token" or "l2" on embeddings, whichever the network
// has; the box is that of its pixels. Error lists what the input allows.
Threat parse_threat(const std::string& name, const InputSpec& input);
// The names parse_threat takes for this input; the first is the default.
std::vector<std::string> threat_names(const InputSpec& input);

std::string threat_name(const Threat& threat);  // "every_token"
std::string describe(const Threat& threat);     // "l2, pixels in [0, 1]"; "2,inf, embedding"

}  // namespace taut::models

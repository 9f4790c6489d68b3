#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

// A network is data: a list of small structs that own their tensors. Forward pass, bounds, saving
// and loading are functions over it, one overload per layer kind.
namespace taut::models {

using at::Tensor;

// Activations between layers are (batch, tokens, width). A classifier's images become tokens in
// Patchify; Pool leaves one token. Logits are (batch, rows, classes): one row an image, or one row
// a position of a sequence.

// Token ids (batch, tokens) to rows of a table.
struct Embedding {
  Tensor table;  // (vocabulary, width)
};

// (x - mean) / std per channel, on images (batch, channels, height, width).
struct PixelNormalize {
  Tensor mean, std;  // (channels)
};

// Non-overlapping patches, row by row; a token holds one patch as (channels, patch, patch) values.
struct Patchify {
  int64_t patch = 0;  // pixels; 0: the whole image is one token
};

// x + table: learned positions. A table of one row goes to every token (a token type, say).
struct Position {
  Tensor table;  // (at least tokens, width) or (1, width)
};

// gain * W x + b
struct Linear {
  Tensor weight;  // (out, in)
  Tensor bias;    // (out) or undefined
  double gain = 1;
};

// gelu_tanh: x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). max_min puts the larger of two
// neighbouring entries first: a permutation of each pair, which keeps gradient norms. [Anil et al.
// 2019] relu_squared: max(x, 0)^2, whose slope grows with x. [So et al. 2021, arXiv 2109.08668]
enum class Curve : int64_t { gelu, relu, abs, gelu_tanh, tanh, silu, max_min, relu_squared };

// gain * curve(x), entry by entry, or pair by pair.
struct Activation {
  Curve curve = Curve::gelu;
  double gain = 1;
};

// x / max(1, RMS(x) / radius): the projection of every token onto a ball.
struct BallClamp {
  double radius = 1;  // RMS
};

// Layer norm (mean removed) or RMS norm of every token: weight * x / sqrt(mean(x^2) + eps) + bias.
struct Normalize {
  Tensor weight;  // (width)
  Tensor bias;    // (width) or undefined
  double eps = 1e-5;
  bool centered = true;
};

// Per head h: softmax_j( logit_scale <q_i, k_j> / d_head + position_bias[h, i - j] ), values mixed;
// then gain * W_O on the stacked heads. Under a causal mask j <= i. Queries and keys pass, head by
// head, through the normalisation x / sqrt(mean(x^2) + eps), a projection onto a ball and a
// rotation by position, each where it is present.
struct Attention {
  Tensor query, key, value;                 // (heads, d_head, width)
  Tensor query_bias, key_bias, value_bias;  // (heads, d_head) or undefined
  Tensor output;                            // (width, heads * d_head)
  Tensor output_bias;                       // (width) or undefined
  Tensor position_bias;  // (heads, tokens) by distance i - j, causal only; or undefined
  Tensor rotary;  // (at least tokens, d_head / 2, 2): cosine and sine of each pair's angle, pair k
                  // being entries k and k + d_head / 2; or undefined. [Su et al. 2021, 2104.09864]
  double query_key_eps = 0;    // of the normalisation; 0: none
  double query_key_clamp = 0;  // RMS radius of the ball; 0: none
  double logit_scale = 1;
  double gain = 1;
  bool causal = false;
};

struct Layer;

// keep * x + add * branch(x)
struct Residual {
  double keep = 1, add = 1;
  std::vector<Layer> branch;
};

// Mean over tokens; one token remains.
struct Pool {};

// Learned tokens before all others: a class token.
struct Prepend {
  Tensor tokens;  // (count, width)
};

// One token remains, counted from 0.
struct Select {
  int64_t token = 0;
};

// y_i = sum_k softmax(logits)_k x_{i-k}, where tokens before the first are 0: a learned causal
// mixture, the same for every entry. [the token shift of Peng et al. 2023, arXiv 2305.13048, with
// weights that make it convex]
struct TokenShift {
  Tensor logits;  // (taps): the token itself, the one before, ...
};

using Kind =
    std::variant<Embedding, PixelNormalize, Patchify, Position, Linear, Activation, BallClamp,
                 Normalize, Attention, Residual, Pool, Prepend, Select, TokenShift>;

struct Layer {
  std::string name;  // path prefix of its tensors, e.g. "blocks.0.attention"
  Kind kind;
};

enum class InputKind : int64_t { pixels, tokens };

// What the network eats. Pixels are (batch, channels, height, width) in [low, high]; tokens are
// int64 (batch, context) in [0, vocabulary).
struct InputSpec {
  InputKind kind = InputKind::pixels;
  int64_t channels = 0, height = 0, width = 0;
  double low = 0, high = 1;
  int64_t context = 0, vocabulary = 0;
  bool operator==(const InputSpec&) const = default;
};

struct Network {
  InputSpec input;
  std::vector<Layer> layers;
};

// Where the head stands: the Linear whose rows turn the last hidden token into logits. It is the
// last layer, or a cap on the logits follows. layers.size() when there is none.
size_t head_index(const Network& network);
// The head itself; Error when there is none.
const Linear& head_of(const Network& network);
// gain * tanh behind the head, strictly increasing, so that it changes no ranking; or nullptr.
const Activation* logit_cap(const Network& network);
// The network without it: of the same rankings, and of no ties where tanh rounds to 1.
Network without_logit_cap(Network network);

// What a tensor is for: the optimizer and the constraints go by role.
enum class Role {
  hidden,
  query,
  key,
  value,
  output,
  embedding,
  position,
  head,
  gain,
  bias,
  position_bias,
  rotary,
  constant
};

bool is_trained(Role role);   // neither rotary nor constant
bool is_optional(Role role);  // a layer may do without: biases, position biases, rotary

const char* kind_name(const Kind& kind);
const std::vector<std::string>& kind_names();  // in variant order
Kind make_kind(const std::string& name);       // default-constructed; Error lists the known ones

}  // namespace taut::models

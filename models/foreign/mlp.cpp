#include <algorithm>
#include <map>

#include "models/curves.hpp"
#include "models/foreign/parts.hpp"
#include "src/core/core.hpp"

namespace taut::models {
namespace {

constexpr int kPatience = 100000;  // stages tried in the search for an order

struct Stage {
  std::string from;  // without ".weight"
  int64_t out = 0, in = 0;
  bool bias = false;
};

// Numbers by value, so that layers.10 follows layers.9.
bool before(const std::string& a, const std::string& b) {
  size_t i = 0, j = 0;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  while (i < a.size() && j < b.size()) {
    if (!digit(a[i]) || !digit(b[j])) {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i, ++j;
      continue;
    }
    const auto end = [&](const std::string& s, size_t k) {
      while (k < s.size() && digit(s[k])) ++k;
      return k;
    };
    const std::string x = a.substr(i, end(a, i) - i), y = b.substr(j, end(b, j) - j);
    if (x.size() != y.size()) return x.size() < y.size();
    if (x != y) return x < y;
    i += x.size(), j += y.size();
  }
  return a.size() - i < b.size() - j;
}

std::vector<Stage> stages_of(const NamedTensors& tensors) {
  std::vector<Stage> stages;
  for (const auto& [name, tensor] : tensors) {
    if (!name.ends_with(".weight") || tensor.dim() != 2 || tensor.numel() == 0) continue;
    const std::string from = name.substr(0, name.size() - std::string(".weight").size());
    stages.push_back({from, tensor.size(0), tensor.size(1), tensors.count(from + ".bias") > 0});
  }
  require(!stages.empty(), "expected matrices called NAME.weight, found none");
  std::sort(stages.begin(), stages.end(),
            [](const Stage& a, const Stage& b) { return before(a.from, b.from); });
  return stages;
}

// A name without its numbers.
std::string letters(std::string name) {
  std::erase_if(name, [](char c) { return c >= '0' && c <= '9'; });
  return name;
}

// The only order in which each stage takes what the one before gives, and names that differ in
// their numbers alone follow each other. Other names tell nothing: "hidden" comes before "input".
class Chain {
 public:
  explicit Chain(const std::vector<Stage>& stages) : stages_(stages), used_(stages.size()) {
    std::map<std::string, size_t> last;
    for (size_t i = 0; i < stages.size(); ++i) {
      const auto [kin, first] = last.emplace(letters(stages[i].from), i);
      before_.push_back(first ? kNone : kin->second);
      kin->second = i;
    }
  }

  std::vector<Stage> find() {
    std::string seen;
    for (const Stage& s : stages_) seen += fmt::format(" {} ({} -> {})", s.from, s.in, s.out);
    extend();
    require(!found_.empty(),
            "these layers do not fit one behind another:{}; describe the model in a file",
            seen.substr(0, 1000));
    require(
        !ambiguous_ && steps_ < kPatience,
        "these layers fit one behind another in more than one order, or in too many to tell:{}; "
        "describe the model in a file",
        seen.substr(0, 1000));
    return found_;
  }

 private:
  // Whether the stage of the next lower number waits.
  bool early(size_t i) const { return before_[i] != kNone && !used_[before_[i]]; }

  // Ends with the first order found, or with the knowledge that there is a second.
  void extend() {
    if (chain_.size() == stages_.size()) {
      ambiguous_ = !found_.empty();
      found_ = chain_;
      return;
    }
    for (size_t i = 0; i < stages_.size() && steps_ < kPatience && !ambiguous_; ++i) {
      if (used_[i] || early(i)) continue;
      if (!chain_.empty() && chain_.back().out != stages_[i].in) continue;
      ++steps_;
      used_[i] = true;
      chain_.push_back(stages_[i]);
      extend();
      chain_.pop_back();
      used_[i] = false;
    }
  }

  static constexpr size_t kNone = static_cast<size_t>(-1);

  const std::vector<Stage>& stages_;
  std::vector<size_t> before_;  // of the same name but for a lower number, the next such stage
  std::vector<bool> used_;
  std::vector<Stage> chain_, found_;
  bool ambiguous_ = false;
  int steps_ = 0;
};

InputSpec image_of(const ForeignOptions& options, int64_t values) {
  InputSpec input{InputKind::pixels, 1, 1, values};
  if (options.input && options.input->kind == InputKind::pixels) input = *options.input;
  require(input.channels * input.height * input.width == values,
          "the first layer takes {} values, the data have {} x {} x {}", values, input.channels,
          input.height, input.width);
  return input;
}

}  // namespace

Description describe_mlp(const NamedTensors& tensors, const ForeignOptions& options) {
  const std::vector<Stage> stages = stages_of(tensors);
  require(stages.size() <= 1000, "expected at most 1000 layers, got {}", stages.size());
  const std::vector<Stage> chain = Chain(stages).find();
  require(chain.size() == 1 || !options.activation.empty(),
          "the activation of an mlp stands in no tensor: give --activation, one of {}",
          join(curve_names(), ", "));
  Description d;
  d.input = image_of(options, chain.front().in);
  d.layers = pixel_layers(options, d.input.channels);
  d.layers.push_back({{"flatten", Patchify{0}}});
  for (size_t i = 0; i < chain.size(); ++i) {
    const Stage& s = chain[i];
    const bool last = i + 1 == chain.size();
    const std::string name = last ? "head" : fmt::format("layers.{}", i);
    d.layers.push_back(linear_layer(name, s.from, s.out, s.in, s.bias));
    if (!last) {
      d.layers.push_back(
          activation_layer(fmt::format("activations.{}", i), parse_curve(options.activation)));
    }
  }
  return d;
}

}  // namespace taut::models

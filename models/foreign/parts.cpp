#include "models/foreign/parts.hpp"

#include <ATen/ATen.h>

#include <charconv>
#include <cmath>

#include "models/curves.hpp"
#include "src/core/core.hpp"

namespace taut::models {
namespace {

std::vector<std::string> some_names(const NamedTensors& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) {
    if (names.size() < 2000) names.push_back(name);
  }
  return names;
}

std::string square_head(int64_t width) {
  for (const int64_t d_head : {64, 32, 16, 8}) {
    if (width % d_head == 0)
      return fmt::format("{} would make heads of {} entries", width / d_head, d_head);
  }
  return fmt::format("it divides {}", width);
}

}  // namespace

std::string prefix_of(const NamedTensors& tensors, const std::string& anchor) {
  std::vector<std::string> prefixes;
  for (const auto& [name, tensor] : tensors) {
    if (name != anchor && !name.ends_with("." + anchor)) continue;
    prefixes.push_back(name.substr(0, name.size() - anchor.size()));
  }
  require(!prefixes.empty(), "no tensor is called {} (nearest: '{}')", anchor,
          nearest(anchor, some_names(tensors)));
  require(prefixes.size() == 1, "{} and {} both hold {}: expected one network", prefixes[0],
          prefixes.size() > 1 ? prefixes[1] : "", anchor);
  return prefixes.front();
}

bool has_name_ending(const NamedTensors& tensors, const std::string& ending) {
  for (const auto& [name, tensor] : tensors) {
    if (name == ending || name.ends_with("." + ending)) return true;
  }
  return false;
}

std::vector<int64_t> sizes_of(const NamedTensors& tensors, const std::string& name, size_t rank) {
  const auto found = tensors.find(name);
  require(found != tensors.end(), "no tensor is called {} (nearest: '{}')", name,
          nearest(name, some_names(tensors)));
  const Tensor& tensor = found->second;
  require(tensor.dim() == static_cast<int64_t>(rank) && tensor.numel() > 0,
          "expected {} with {} dimensions, none of them 0; got {}", name, rank,
          shape_text(tensor.sizes()));
  return tensor.sizes().vec();
}

int64_t count_blocks(const NamedTensors& tensors, const std::string& prefix) {
  int64_t count = 0;
  for (auto i = tensors.lower_bound(prefix); i != tensors.end(); ++i) {
    const std::string& name = i->first;
    if (!name.starts_with(prefix)) break;
    int64_t index = -1;
    std::from_chars(name.data() + prefix.size(), name.data() + name.size(), index);
    if (index < 0) continue;
    require(index < 10000, "{} would be block {}: more than 10000", name, index);
    count = std::max(count, index + 1);
  }
  require(count > 0, "no tensor is called {}0...", prefix);
  return count;
}

int64_t require_heads(const ForeignOptions& options, int64_t width) {
  require(options.heads != 0, "the number of heads stands in no tensor: give --heads ({})",
          square_head(width));
  require(options.heads > 0 && width % options.heads == 0,
          "expected heads that divide the width {}, got {}", width, options.heads);
  return options.heads;
}

int64_t context_of(const ForeignOptions& options, int64_t rows) {
  require(options.context >= 0 && options.context <= rows,
          "expected a context of at most {}, the rows of the position table; got {}", rows,
          options.context);
  return options.context == 0 ? rows : options.context;
}

Curve curve_or(const ForeignOptions& options, Curve usual) {
  return options.activation.empty() ? usual : parse_curve(options.activation);
}

double eps_or(const ForeignOptions& options, double usual) {
  return options.norm_eps > 0 ? options.norm_eps : usual;
}

DescribedLayer linear_layer(const std::string& name, const std::string& from, int64_t out,
                            int64_t in, bool bias, bool transposed) {
  DescribedLayer d{{name, Linear{}}};
  d.tensors["weight"] = {.from = from + ".weight", .shape = {out, in}, .transposed = transposed};
  if (bias) d.tensors["bias"] = {.from = from + ".bias", .shape = {out}};
  return d;
}

DescribedLayer norm_layer(const std::string& name, const std::string& from, int64_t width,
                          double eps, bool bias) {
  DescribedLayer d{{name, Normalize{{}, {}, eps, true}}};
  d.tensors["weight"] = {.from = from + ".weight", .shape = {width}};
  if (bias) d.tensors["bias"] = {.from = from + ".bias", .shape = {width}};
  return d;
}

DescribedLayer position_layer(const std::string& name, Source table) {
  DescribedLayer d{{name, Position{}}};
  d.tensors["table"] = std::move(table);
  return d;
}

DescribedLayer activation_layer(const std::string& name, Curve curve) {
  return {{name, Activation{curve, 1}}};
}

DescribedLayer residual_layer(const std::string& name, std::vector<DescribedLayer> branch) {
  DescribedLayer d{{name, Residual{1, 1, {}}}};
  d.branch = std::move(branch);
  return d;
}

DescribedLayer attention_layer(const std::string& name, const AttentionNames& names, int64_t heads,
                               int64_t width, bool causal) {
  Attention attention;
  attention.logit_scale = std::sqrt(static_cast<double>(width) / static_cast<double>(heads));
  attention.causal = causal;
  DescribedLayer d{{name, attention}};
  d.heads = heads;
  const auto parts = names.from.size() == 1 ? int64_t{3} : int64_t{1};
  const char* const fields[] = {"query", "key", "value"};
  for (int64_t i = 0; i < 3; ++i) {
    const std::string& from = names.from[parts == 3 ? 0 : static_cast<size_t>(i)];
    const std::string field = fields[i];
    const int64_t part = parts == 3 ? i : 0;
    d.tensors[field + ".weight"] = {.from = from + ".weight",
                                    .shape = {width, width},
                                    .transposed = names.transposed,
                                    .part = part,
                                    .parts = parts};
    if (!names.bias) continue;
    d.tensors[field + ".bias"] = {
        .from = from + ".bias", .shape = {width}, .part = part, .parts = parts};
  }
  d.tensors["output.weight"] = {
      .from = names.output + ".weight", .shape = {width, width}, .transposed = names.transposed};
  if (names.output_bias)
    d.tensors["output.bias"] = {.from = names.output + ".bias", .shape = {width}};
  return d;
}

std::vector<DescribedLayer> pixel_layers(const ForeignOptions& options, int64_t channels) {
  require(options.mean.empty() == options.std.empty(), "expected mean and std together");
  if (options.mean.empty()) return {};
  DescribedLayer d{{"normalize", PixelNormalize{}}};
  for (const auto& [field, given] : {std::pair{"mean", options.mean}, {"std", options.std}}) {
    require(given.size() == 1 || static_cast<int64_t>(given.size()) == channels,
            "expected one {} or one a channel, {}; got {}", field, channels, given.size());
    std::vector<double> values = given;
    values.resize(static_cast<size_t>(channels), given.front());
    d.tensors[field] = {.from = {}, .values = values};
  }
  return {d};
}

}  // namespace taut::models

#include "models/findings.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "src/core/core.hpp"

namespace taut::models {
namespace {

constexpr size_t kShown = 8;        // of each sort; the others are counted
constexpr size_t kCompared = 2000;  // candidates for a nearest name: hostile files have many

// Names that `items` may have been meant for.
std::vector<std::string> candidates(const std::vector<std::string>& counterparts,
                                    const std::set<std::string>& all) {
  std::vector<std::string> names = counterparts;
  if (names.empty()) names.assign(all.begin(), all.end());
  if (names.size() > kCompared) names.resize(kCompared);
  return names;
}

// Each once, where it comes first: three parts of one matrix miss the same tensor.
std::vector<std::string> distinct(const std::vector<std::string>& items) {
  std::set<std::string_view> seen;
  std::vector<std::string> once;
  for (const std::string& item : items) {
    if (seen.insert(item).second) once.push_back(item);
  }
  return once;
}

// "missing: a (nearest: 'b'), c, and 3 more"
void append(std::string& text, const char* title, const std::vector<std::string>& all,
            const std::vector<std::string>& near) {
  const std::vector<std::string> items = distinct(all);
  if (items.empty()) return;
  std::vector<std::string> shown;
  for (const std::string& item : items) {
    if (shown.size() == kShown) break;
    shown.push_back(near.empty() ? item
                                 : fmt::format("{} (nearest: '{}')", item, nearest(item, near)));
  }
  if (items.size() > kShown) shown.push_back(fmt::format("and {} more", items.size() - kShown));
  text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", title, join(shown, ", "));
}

}  // namespace

bool matches(std::string_view name, std::string_view pattern) {
  // On a mismatch the last * takes one character more; earlier ones need not change.
  size_t n = 0, p = 0, star = std::string_view::npos, taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool Findings::note_values(const std::string& name, const Tensor& tensor) {
  if (!tensor.is_floating_point()) {
    unfit.push_back(fmt::format("{} holds {}, expected floating point numbers", name,
                                toString(tensor.scalar_type())));
    return false;
  }
  // LibTorch asks no questions of 8-bit floats; they fit any wider type.
  const Tensor wide = tensor.element_size() == 1 ? tensor.to(at::kFloat) : tensor;
  if (wide.isfinite().all().item<bool>()) return true;
  unfit.push_back(
      fmt::format("{} holds {}", name, wide.isnan().any().item<bool>() ? "NaN" : "infinity"));
  return false;
}

void Findings::require_none(const NamedTensors& tensors,
                            const std::vector<std::string>& ignored) const {
  std::set<std::string> present;
  std::vector<std::string> extra;
  for (const auto& [name, tensor] : tensors) {
    present.insert(name);
    const auto ignores = [&, n = name](const std::string& pattern) { return matches(n, pattern); };
    if (used.count(name) == 0 && std::none_of(ignored.begin(), ignored.end(), ignores))
      extra.push_back(name);
  }
  std::string text;
  append(text, "missing", missing, candidates(extra, present));
  append(text, "unexpected", extra, candidates(missing, used));
  append(text, "of another shape", misshapen, {});
  append(text, "unfit", unfit, {});
  require(text.empty(), "these tensors do not make the network: {}", text);
}

}  // namespace taut::models

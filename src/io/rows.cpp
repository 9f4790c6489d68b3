#include "src/io/rows.hpp"

#include <ATen/ATen.h>

#include <cmath>

#include "src/core/core.hpp"
#include "src/io/format.hpp"

namespace taut::io {
namespace {

using models::InputKind;
using models::InputSpec;
using models::Space;

}  // namespace

void expect_row(const char* name, const at::Tensor& tensor, at::ScalarType dtype, int64_t rows) {
  require(tensor.defined(), "expected {} of shape {}, got nothing", name, rows);
  require(tensor.scalar_type() == dtype && tensor.dim() == 1 && tensor.size(0) == rows,
          "expected {} of shape {} and type {}, got {} and {}", name, rows, toString(dtype),
          shape_text(tensor.sizes()), toString(tensor.scalar_type()));
}

void expect_radii(const char* name, const at::Tensor& tensor, int64_t rows) {
  expect_row(name, tensor, at::kDouble, rows);
  require(!tensor.isnan().any().item<bool>(), "{} holds NaN", name);
  require(!tensor.lt(0).any().item<bool>(), "{} holds a negative value", name);
}

void write_threat(Group& group, const models::Threat& threat) {
  group.set_text("space", threat.space == Space::pixels ? "pixels" : "embedding");
  if (!threat.box) return;
  group.set_number("box_low", threat.box->low);
  group.set_number("box_high", threat.box->high);
}

models::Threat read_threat(const Group& group, const std::string& name) {
  const std::string space = group.text("space");
  require(space == "pixels" || space == "embedding", "{}: {}", group.where(),
          unknown_name("space", space, {"pixels", "embedding"}));
  InputSpec input;
  input.kind = space == "pixels" ? InputKind::pixels : InputKind::tokens;
  models::Threat threat;
  explain(group.where(), [&] { threat = models::parse_threat(name, input); });
  threat.box.reset();
  if (!group.has_attribute("box_low")) return threat;
  threat.box = models::Box{group.number("box_low"), group.number("box_high")};
  require(threat.box->low < threat.box->high, "{}: expected box_low < box_high, got {} and {}",
          group.where(), threat.box->low, threat.box->high);
  return threat;
}

}  // namespace taut::io

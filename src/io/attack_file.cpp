#include <ATen/ATen.h>

#include <cmath>

#include "src/core/core.hpp"
#include "src/io/format.hpp"
#include "src/io/results.hpp"
#include "src/io/rows.hpp"

// Layout of attack.h5, version 1:
//   /            attributes format = "taut attacks", version
//   /threats/l2, ...   one group a threat, named by its norm
//     attributes space, box_low and box_high as in certificate.h5; embedding_rms, seconds (double);
//       gradients (int64)
//     datasets   eps (double); example, position, label, prediction (int64, a row each); success
//       (bool, eps x rows); radius, radius_confirmed (double, a row each, infinity where no attack
//       succeeded); adversarial, adversarial_confirmed (float, rows x ...)
//   /threats/l2/provenance  attributes (text)
namespace taut::io {
namespace {

using attacks::AttackResult;

constexpr const char* kFormat = "taut attacks";

void check(const AttackResult& r) {
  require(r.example.defined(), "expected the rows of an attack, got none");
  const int64_t rows = r.example.numel(), sizes = static_cast<int64_t>(r.eps.size());
  expect_row("example", r.example, at::kLong, rows);
  expect_row("position", r.position, at::kLong, rows);
  expect_row("label", r.label, at::kLong, rows);
  expect_row("prediction", r.prediction, at::kLong, rows);
  expect_radii("radius", r.radius, rows);
  expect_radii("radius_confirmed", r.radius_confirmed, rows);
  require((r.radius_confirmed >= r.radius).all().item<bool>(),
          "expected radius_confirmed >= radius in every row: what fools fp64 fools fp32 first");
  for (const double eps : r.eps) {
    require(std::isfinite(eps) && eps >= 0, "expected eps >= 0, got {}", eps);
  }
  require(r.success.defined() && r.success.scalar_type() == at::kBool &&
              r.success.sizes() == at::IntArrayRef({sizes, rows}),
          "expected success of shape {} x {} and type Bool", sizes, rows);
  for (const at::Tensor& t : {r.adversarial, r.adversarial_confirmed}) {
    require(t.defined() && t.scalar_type() == at::kFloat && t.dim() >= 1 && t.size(0) == rows,
            "expected adversarials of shape {} x ... and type Float", rows);
  }
  require(r.gradients >= 0, "expected gradients >= 0, got {}", r.gradients);
}

void write(Group group, const AttackResult& r) {
  write_threat(group, r.threat);
  group.set_number("embedding_rms", r.embedding_rms);
  group.set_number("seconds", r.seconds);
  group.set_integer("gradients", r.gradients);
  group.write_doubles("eps", r.eps);
  group.write("example", r.example);
  group.write("position", r.position);
  group.write("label", r.label);
  group.write("prediction", r.prediction);
  group.write("success", r.success);
  group.write("radius", r.radius);
  group.write("adversarial", r.adversarial);
  group.write("radius_confirmed", r.radius_confirmed);
  group.write("adversarial_confirmed", r.adversarial_confirmed);
  write_strings(group, "provenance", r.provenance);
}

AttackResult read(const Group& group, const std::string& name) {
  AttackResult r;
  r.threat = read_threat(group, name);
  r.embedding_rms = group.number("embedding_rms");
  r.seconds = group.number("seconds");
  r.gradients = group.integer("gradients");
  r.eps = group.read_doubles("eps");
  r.example = group.read("example");
  r.position = group.read("position");
  r.label = group.read("label");
  r.prediction = group.read("prediction");
  r.success = group.read("success");
  r.radius = group.read("radius");
  r.adversarial = group.read("adversarial");
  r.radius_confirmed = group.read("radius_confirmed");
  r.adversarial_confirmed = group.read("adversarial_confirmed");
  r.provenance = read_strings(group, "provenance");
  explain(group.where(), [&] { check(r); });
  return r;
}

}  // namespace

void save_attacks(const std::filesystem::path& path, const std::vector<AttackResult>& results) {
  for (const AttackResult& result : results) {
    explain(path.string() + ": " + models::threat_name(result.threat), [&] { check(result); });
  }
  File file = File::create(path);
  write_format(file.root(), kFormat);
  Group threats = file.root().create("threats");
  for (const AttackResult& result : results) {
    write(threats.create(models::threat_name(result.threat)), result);
  }
  file.publish();
}

std::vector<AttackResult> load_attacks(const std::filesystem::path& path) {
  const File file = File::open(path);
  require_format(file.root(), kFormat);
  const Group threats = file.root().open("threats");
  std::vector<AttackResult> results;
  for (const std::string& name : threats.members()) {
    results.push_back(read(threats.open(name), name));
  }
  return results;
}

}  // namespace taut::io

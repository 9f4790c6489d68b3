#include <ATen/ATen.h>

#include <cmath>

#include "src/core/core.hpp"
#include "src/io/format.hpp"
#include "src/io/results.hpp"
#include "src/io/rows.hpp"

// Layout of certificate.h5, version 1:
//   /            attributes format = "taut certificate", version, embedding_rms, seconds
//   /weights     path (text), block (int64), lower, upper (double): one entry a matrix
//   /rows        example, position, label, prediction (int64), margin (double): one entry a row
//   /threats/l2, ...   one group a threat, named by its norm: attributes space = pixels |
//   embedding,
//                constant, log10_constant, logit_constant, box_low and box_high where there is a
//                box; datasets radius, radius_deployed (double): one entry a row, infinity where
//                nothing helps
//   /provenance  attributes (text)
namespace taut::io {
namespace {

using certify::Certificate;
using certify::ThreatCertificate;
using certify::WeightBound;

constexpr const char* kFormat = "taut certificate";

void check(const WeightBound& w) {
  require(w.lower >= 0 && w.lower <= w.upper, "{}: expected 0 <= lower <= upper, got {} and {}",
          w.path, w.lower, w.upper);
}

void check(const ThreatCertificate& t, int64_t rows) {
  require(t.constant >= 0 && t.logit_constant >= 0 && !std::isnan(t.log10_constant),
          "expected constants >= 0 and a logarithm, got {}, {} and {}", t.constant,
          t.logit_constant, t.log10_constant);
  expect_radii("radius", t.radius, rows);
  expect_radii("radius_deployed", t.radius_deployed, rows);
}

// Saving and loading demand the same: a radius of NaN is never written and never believed.
void check(const Certificate& c) {
  require(c.example.defined(), "expected the rows of a certificate, got none");
  const int64_t rows = c.example.numel();
  expect_row("example", c.example, at::kLong, rows);
  expect_row("position", c.position, at::kLong, rows);
  expect_row("label", c.label, at::kLong, rows);
  expect_row("prediction", c.prediction, at::kLong, rows);
  expect_row("margin", c.margin, at::kDouble, rows);
  for (const WeightBound& weight : c.weights) check(weight);
  for (const ThreatCertificate& threat : c.threats) {
    explain(models::threat_name(threat.threat), [&] { check(threat, rows); });
  }
}

void write_weights(Group group, const std::vector<WeightBound>& weights) {
  std::vector<std::string> paths;
  std::vector<double> lower, upper;
  std::vector<int64_t> block;
  for (const WeightBound& w : weights) {
    paths.push_back(w.path);
    block.push_back(w.block);
    lower.push_back(w.lower);
    upper.push_back(w.upper);
  }
  group.write_texts("path", paths);
  group.write("block", at::tensor(block, at::kLong));
  group.write_doubles("lower", lower);
  group.write_doubles("upper", upper);
}

std::vector<WeightBound> read_weights(const Group& group) {
  const std::vector<std::string> paths = group.read_texts("path");
  const std::vector<double> lower = group.read_doubles("lower");
  const std::vector<double> upper = group.read_doubles("upper");
  const at::Tensor block = group.read("block");
  explain(group.where(), [&] {
    const auto count = static_cast<int64_t>(paths.size());
    require(lower.size() == paths.size() && upper.size() == paths.size(),
            "expected {} lower and upper bounds, got {} and {}", count, lower.size(), upper.size());
    expect_row("block", block, at::kLong, count);
  });
  std::vector<WeightBound> weights;
  for (size_t i = 0; i < paths.size(); ++i) {
    weights.push_back({paths[i], block.const_data_ptr<int64_t>()[i], lower[i], upper[i]});
  }
  return weights;
}

void write_threats(Group group, const std::vector<ThreatCertificate>& threats) {
  for (const ThreatCertificate& t : threats) {
    Group one = group.create(models::threat_name(t.threat));
    write_threat(one, t.threat);
    one.set_number("constant", t.constant);
    one.set_number("log10_constant", t.log10_constant);
    one.set_number("logit_constant", t.logit_constant);
    one.write("radius", t.radius);
    one.write("radius_deployed", t.radius_deployed);
  }
}

std::vector<ThreatCertificate> read_threats(const Group& group) {
  std::vector<ThreatCertificate> threats;
  for (const std::string& name : group.members()) {
    const Group one = group.open(name);
    threats.push_back({read_threat(one, name), one.number("constant"), one.number("log10_constant"),
                       one.number("logit_constant"), one.read("radius"),
                       one.read("radius_deployed")});
  }
  return threats;
}

}  // namespace

void save_certificate(const std::filesystem::path& path, const Certificate& certificate) {
  explain(path.string(), [&] { check(certificate); });
  File file = File::create(path);
  Group& root = file.root();
  write_format(root, kFormat);
  root.set_number("embedding_rms", certificate.embedding_rms);
  root.set_number("seconds", certificate.seconds);
  write_weights(root.create("weights"), certificate.weights);
  Group rows = root.create("rows");
  rows.write("example", certificate.example);
  rows.write("position", certificate.position);
  rows.write("label", certificate.label);
  rows.write("prediction", certificate.prediction);
  rows.write("margin", certificate.margin);
  write_threats(root.create("threats"), certificate.threats);
  write_strings(root, "provenance", certificate.provenance);
  file.publish();
}

Certificate load_certificate(const std::filesystem::path& path) {
  const File file = File::open(path);
  const Group& root = file.root();
  require_format(root, kFormat);
  Certificate c;
  c.embedding_rms = root.number("embedding_rms");
  c.seconds = root.number("seconds");
  c.weights = read_weights(root.open("weights"));
  const Group rows = root.open("rows");
  c.example = rows.read("example");
  c.position = rows.read("position");
  c.label = rows.read("label");
  c.prediction = rows.read("prediction");
  c.margin = rows.read("margin");
  c.threats = read_threats(root.open("threats"));
  c.provenance = read_strings(root, "provenance");
  explain(path.string(), [&] { check(c); });
  return c;
}

}  // namespace taut::io

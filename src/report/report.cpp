#include "src/report/report.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "src/core/core.hpp"
#include "src/io/run.hpp"
#include "src/report/figures.hpp"
#include "src/report/tables.hpp"
#include "src/report/values.hpp"

namespace taut::report {
namespace {

constexpr size_t kShownContradictions = 20;

bool on_embeddings(const Comparison& comparison, size_t threat) {
  return comparison.threats[threat].space == models::Space::embedding;
}

void add_threat(Document& document, const Comparison& comparison, size_t threat,
                const ReportOptions& options) {
  document.push_back(Heading{"Threat: " + models::describe(comparison.threats[threat])});
  document.push_back(threat_table(comparison, threat));
  document.push_back(Paragraph{
      "Medians are over the rows whose clean prediction is right. Certified figures are "
      "lower bounds, rounded down; K and attacked figures are upper bounds, rounded up."});
  document.push_back(Heading{"Accuracy against eps", 3});
  if (auto figure = curves(comparison, threat, false)) document.push_back(*figure);
  document.push_back(accuracy_table(comparison, threat, options));
  if (on_embeddings(comparison, threat)) {
    document.push_back(Heading{"Accuracy against eps relative to the embedding", 3});
    document.push_back(
        Paragraph{"A larger embedding table makes every absolute radius larger and no model more "
                  "robust; divided by the RMS of the table, runs can be compared."});
    if (auto figure = curves(comparison, threat, true)) document.push_back(*figure);
    document.push_back(relative_accuracy_table(comparison, threat, options));
  }
  if (auto figure = scatter(comparison, threat)) {
    document.push_back(Heading{"Certified against attack radius", 3});
    document.push_back(*figure);
  }
}

void add_layers(Document& document, const Comparison& comparison) {
  document.push_back(Heading{"Activations"});
  document.push_back(Paragraph{
      "Largest |entry| and RMS of every layer's output over the examples compared, branches before "
      "the residual that they belong to."});
  for (const RunReport& run : comparison.runs) {
    if (!run.layers.empty()) document.push_back(Fold{run.name, layer_table(run)});
  }
}

void add_weights(Document& document, const Comparison& comparison) {
  document.push_back(Heading{"Norms of the weights"});
  document.push_back(Paragraph{
      "Largest singular value of every stored matrix, proved to lie in [lower, upper]; "
      "query, key and value per head. Norm: l2 -> l2. Stable rank: ||W||_F^2 / sigma^2."});
  for (const RunReport& run : comparison.runs) {
    if (run.certificate) {
      document.push_back(Fold{run.name, weight_table(run)});
    } else {
      document.push_back(Paragraph{run.name + ": not certified"});
    }
  }
}

void add_facts(Document& document, const Comparison& comparison) {
  document.push_back(Heading{"Configuration and provenance"});
  const Table differing = facts_table(comparison, true), same = facts_table(comparison, false);
  if (!differing.rows.empty()) document.push_back(differing);
  if (!same.rows.empty()) document.push_back(Fold{"The same in all runs", same});
}

Document compose(const Comparison& comparison, const ReportOptions& options) {
  Document document;
  const attacks::CheckedRows rows = checked(comparison);
  document.push_back(Verdict{check_line(rows), rows.contradictions.empty()});
  if (!rows.contradictions.empty()) {
    document.push_back(contradiction_table(comparison, kShownContradictions));
  }
  document.push_back(cost_table(comparison));
  for (const std::string& note : comparison.notes) document.push_back(Paragraph{note});
  for (size_t threat = 0; threat < comparison.threats.size(); ++threat) {
    add_threat(document, comparison, threat, options);
  }
  add_layers(document, comparison);
  add_weights(document, comparison);
  add_facts(document, comparison);
  return document;
}

std::string title_of(const Comparison& comparison) {
  std::vector<std::string> names;
  for (const RunReport& run : comparison.runs) names.push_back(run.name);
  return "taut compare: " + join(names, ", ");
}

}  // namespace

namespace {

bool measured(const std::vector<std::string>& row) {
  return std::any_of(row.begin() + 1, row.end(), [](const std::string& cell) {
    return cell != kNotCertified && cell != kNotAttacked && cell != kNotMeasured;
  });
}

// The fp32 program usually keeps what real arithmetic promises, to all digits shown.
bool repeats(const std::vector<std::string>& row, const std::vector<std::string>& before) {
  return row.front().ends_with(", fp32 program") && row.size() == before.size() &&
         std::equal(row.begin() + 1, row.end(), before.begin() + 1);
}

// Whether every size of the threat is one of the relative sizes of some run: then the relative
// table, which can be compared between runs, says it all.
bool told_relatively(const Comparison& comparison, size_t threat, const ReportOptions& options) {
  const auto is_relative = [&](double eps) {
    const auto& results = comparison.results[threat];
    return std::any_of(results.begin(), results.end(),
                       [&](const ThreatResult& r) { return is_relative_size(r, eps, options); });
  };
  for (const ThreatResult& r : comparison.results[threat]) {
    if ((r.certified || r.attacked) && !(r.unit > 0)) return false;
  }
  const std::vector<double> sizes = eps_list(comparison, threat, options);
  return on_embeddings(comparison, threat) && std::all_of(sizes.begin(), sizes.end(), is_relative);
}

}  // namespace

Table summary_table(const Comparison& comparison, const ReportOptions& options) {
  Table table = cost_table(comparison);
  // What no run has measured is no news on a terminal; the report says so.
  const auto append = [&](const Table& more) {
    for (const auto& row : more.rows) {
      if (measured(row) && !repeats(row, table.rows.back())) table.rows.push_back(row);
    }
  };
  for (size_t threat = 0; threat < comparison.threats.size(); ++threat) {
    table.rows.push_back({""});
    table.rows.push_back({"threat: " + models::describe(comparison.threats[threat])});
    append(threat_table(comparison, threat));
    if (!told_relatively(comparison, threat, options)) {
      append(accuracy_table(comparison, threat, options));
    }
    if (on_embeddings(comparison, threat)) {
      append(relative_accuracy_table(comparison, threat, options));
    }
  }
  return table;
}

void write_report(const std::filesystem::path& folder, const Comparison& comparison,
                  const ReportOptions& options) {
  const Document document = compose(comparison, options);
  const std::string title = title_of(comparison);
  const std::string html = to_html(document, title);
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  require(!failed, "cannot make the folder {}: {}", folder.string(), failed.message());
  io::write_atomically(folder / "report.html", html);
  io::write_atomically(folder / "report.md", to_markdown(document, title));
  io::write_atomically(folder / "report.csv", to_csv(long_table(comparison, options)));
}

}  // namespace taut::report

#include "src/cli/frontier.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "src/cli/complaint.hpp"
#include "src/cli/config.hpp"
#include "src/cli/json_number.hpp"
#include "src/cli/summary.hpp"
#include "src/core/core.hpp"
#include "src/report/format.hpp"
#include "src/report/frontier.hpp"

namespace taut::cli {
namespace {

struct Candidate {
  const OpenRun& run;
  report::RunReport report;  // certified
};

std::string method_of(const OpenRun& run) {
  if (!run.model.empty()) return "foreign weights";
  const bool decays = run.options.optimizer.weight_decay > 0;
  const std::string& constraint = run.options.constraint.name;
  return run.options.optimizer.name + " + " +
         (constraint == "none" && decays ? "weight_decay" : constraint);
}

// The size of a relative eps of 1. Of pixels it moves every one by the whole range; of embeddings
// the report knows it. 0: not known.
double unit_of(const OpenRun& run, const models::Threat& threat, double embedded) {
  const models::InputSpec& input = run.checkpoint.network.input;
  if (input.kind != models::InputKind::pixels) return embedded;
  const double range = input.high - input.low;
  if (threat.norm == models::Norm::linf) return range;
  return range * std::sqrt(static_cast<double>(input.channels * input.height * input.width));
}

std::optional<models::Threat> threat_in(const Candidate& candidate, const std::string& name) {
  for (const certify::ThreatCertificate& t : candidate.report.certificate->threats) {
    if (name.empty() || models::threat_name(t.threat) == name) return t.threat;
  }
  return std::nullopt;
}

std::vector<Candidate> certified_runs(const std::vector<OpenRun>& runs) {
  std::vector<Candidate> out;
  for (const OpenRun& run : runs) {
    report::RunReport r = described(run);
    try {
      r.certificate = certificate_of(run);
    } catch (const std::exception& error) {
      say("{}: left out: {}", run.name, complaint_of(error));
      continue;
    }
    if (r.certificate) {
      out.push_back({run, std::move(r)});
    } else {
      say("{}: not certified, left out; taut certify {}", run.name, run.folder.string());
    }
  }
  return out;
}

// Whether a certificate is about the threat and the data of the first; says when it is not.
bool comparable(const Candidate& first, const Candidate& c, const models::Threat& threat) {
  if (threat_in(c, models::threat_name(threat)) != threat) {
    say("{}: not certified against {}, left out", c.run.name, models::describe(threat));
    return false;
  }
  return same_data(first.report.certificate->provenance, c.report.certificate->provenance,
                   c.run.name);
}

bool same_rows(const certify::Certificate& a, const certify::Certificate& b) {
  return at::equal(a.example, b.example) && at::equal(a.position, b.position);
}

void add_point(report::Frontier& frontier, const Candidate& c) {
  const report::Comparison alone = report::compare({c.report});
  for (size_t t = 0; t < alone.threats.size(); ++t) {
    if (alone.threats[t] != frontier.threat) continue;
    const report::ThreatResult& result = alone.results[t].front();
    const double unit = unit_of(c.run, frontier.threat, result.unit);
    if (!(unit > 0) || std::isinf(unit)) {
      say("{}: the RMS of its embedding is not known, left out", c.run.name);
      continue;
    }
    const double eps = report::absolute_size(frontier.relative_eps, unit);
    frontier.points.push_back(report::frontier_point(c.run.name, method_of(c.run), result, eps));
  }
}

report::Frontier frontier_of(const FrontierOptions& options, const std::vector<OpenRun>& runs) {
  const std::vector<Candidate> candidates = certified_runs(runs);
  report::Frontier frontier;
  frontier.relative_eps = parse_size(options.relative_eps);
  require(frontier.relative_eps > 0, "--relative_eps: expected a number > 0, got {}",
          options.relative_eps);
  const Candidate* first = nullptr;
  bool rows_differ = false;
  for (const Candidate& c : candidates) {
    if (first == nullptr) {
      const auto threat = threat_in(c, options.threat);
      if (!threat) {
        say("{}: not certified against {}, left out", c.run.name, options.threat);
        continue;
      }
      first = &c;
      frontier.threat = *threat;
    }
    if (!comparable(*first, c, frontier.threat)) continue;
    rows_differ |= !same_rows(*first->report.certificate, *c.report.certificate);
    add_point(frontier, c);
  }
  require(!frontier.points.empty(), "no run to compare is certified{}: taut certify RUN does that",
          options.threat.empty() ? "" : " against " + options.threat);
  if (rows_differ) say("the runs were certified on different rows: accuracies differ by that too");
  report::mark_front(frontier.points);
  return frontier;
}

std::string frontier_json(const report::Frontier& frontier) {
  nlohmann::json points = nlohmann::json::array();
  for (const report::FrontierPoint& p : frontier.points) {
    points.push_back({{"run", p.name},
                      {"method", p.method},
                      {"rows", p.accuracy.rows},
                      {"accuracy", p.accuracy.value()},
                      {"eps", p.eps},
                      {"certified_accuracy", p.certified.value()},
                      {"constant", json_number(p.constant)},
                      {"log10_constant", json_number(p.log10_constant)},
                      {"front", p.front}});
  }
  const nlohmann::json all = {{"threat", models::describe(frontier.threat)},
                              {"relative_eps", frontier.relative_eps},
                              {"runs", points}};
  return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void write_plot(const std::filesystem::path& path, const report::Frontier& frontier) {
  const std::string svg = report::to_svg(report::frontier_plot(frontier), "frontier");
  io::write_atomically(path, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + svg + "\n");
}

}  // namespace

void add_frontier_options(CLI::App& command, FrontierOptions& options) {
  CLI::Option* frontier =
      command
          .add_flag("--frontier", options.wanted,
                    "one row a run instead of a report: accuracy against the certified bound")
          ->group(kCallGroup);
  command
      .add_option("--threat", options.threat,
                  "of the frontier; default: the first that a run is certified against")
      ->needs(frontier)
      ->group(kCallGroup);
  command
      .add_option("--relative_eps", options.relative_eps,
                  "of the frontier: size of certified accuracy, over the pixel range or the "
                  "embedding's RMS")
      ->capture_default_str()
      ->needs(frontier)
      ->group(kCallGroup);
}

int run_frontier(const FrontierOptions& options, std::vector<OpenRun> runs, const std::string& svg,
                 bool json) {
  require(svg.empty() || std::filesystem::path(svg).extension() == ".svg",
          "--out: expected a name that ends in .svg for the plot of a frontier, got {}", svg);
  make_names_distinct(runs);
  const report::Frontier frontier = frontier_of(options, runs);
  if (!svg.empty()) write_plot(svg, frontier);
  if (json) {
    fmt::print("{}\n", frontier_json(frontier));
  } else {
    fmt::print("K: {} -> l2, last hidden token\n{}", models::describe(frontier.threat),
               report::to_text(report::frontier_table(frontier)));
  }
  std::fflush(stdout);
  for (const report::FrontierPoint& p : frontier.points) {
    if (!std::isfinite(p.log10_constant) && !svg.empty())
      say("{}: log10 K is {}, not drawn", p.name, report::number(p.log10_constant));
  }
  if (!svg.empty()) say("wrote {}", svg);
  return 0;
}

}  // namespace taut::cli

#include <cmath>
#include <nlohmann/json.hpp>

#include "src/report/format.hpp"
#include "src/report/values.hpp"

namespace taut::report {
namespace {

using Json = nlohmann::ordered_json;

// JSON has no infinity and no NaN, and the library writes null for both.
Json encoded(const std::optional<double>& value) {
  if (!value) return nullptr;
  if (!std::isfinite(*value)) return exact(*value);
  return *value;
}

Json weights_of(const RunReport& run) {
  Json weights = Json::array();
  if (!run.certificate) return weights;
  for (const certify::WeightBound& w : run.certificate->weights) {
    const auto cap = run.caps.find(w.path);
    weights.push_back({{"path", w.path},
                       {"head", w.block},
                       {"sigma_lower", encoded(w.lower)},
                       {"sigma_upper", encoded(w.upper)},
                       {"sigma_cap", cap == run.caps.end() ? Json() : encoded(cap->second)}});
  }
  return weights;
}

Json contradictions_of(const ThreatResult& result) {
  Json all = Json::array();
  for (const attacks::Contradiction& c : result.checked.contradictions) {
    all.push_back({{"example", c.example},
                   {"position", c.position},
                   {"attack_radius", encoded(c.attack_radius)},
                   {"certified_radius", encoded(c.certified_radius)}});
  }
  return all;
}

Json skeleton(const Comparison& comparison, size_t run) {
  const RunReport& r = comparison.runs[run];
  Json object = {{"name", r.name}, {"facts", r.facts}};
  object["threats"] = Json::array();
  for (size_t threat = 0; threat < comparison.threats.size(); ++threat) {
    const models::Threat& t = comparison.threats[threat];
    object["threats"].push_back(
        {{"threat", models::threat_name(t)},
         {"norm", models::describe(t)},
         {"contradictions", contradictions_of(comparison.results[threat][run])},
         {"accuracy", Json::array()}});
  }
  object["weights"] = weights_of(r);
  return object;
}

}  // namespace

std::string summary_json(const Comparison& comparison, const ReportOptions& options) {
  Json runs = Json::array();
  for (size_t run = 0; run < comparison.runs.size(); ++run)
    runs.push_back(skeleton(comparison, run));
  for (const Value& v : values(comparison, options)) {
    Json& run = runs[v.run];
    if (!v.threat) {
      run[v.quantity] = encoded(v.value);
      continue;
    }
    Json& threat = run["threats"][*v.threat];
    if (!v.eps) {
      threat[v.quantity] = encoded(v.value);
      continue;
    }
    Json& accuracy = threat["accuracy"];
    // The three accuracies of one size come one after the other; the first opens the object.
    if (v.quantity == "certified_accuracy") {
      accuracy.push_back({{"eps", *v.eps}, {"relative_eps", encoded(v.relative_eps)}});
    }
    accuracy.back()[v.quantity] = encoded(v.value);
  }
  const attacks::CheckedRows all = checked(comparison);
  Json object = {{"attacks_compared", all.compared},
                 {"attacks_inside_certified_radius", all.contradictions.size()},
                 {"notes", comparison.notes},
                 {"runs", runs}};
  // A name that is not UTF-8 must not cost the user the summary.
  return object.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace taut::report

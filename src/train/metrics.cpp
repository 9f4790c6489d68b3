#include "src/train/metrics.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "src/core/core.hpp"

namespace taut::train {
namespace {

nlohmann::ordered_json json_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

double ratio(double a, double b) { return b > 0 ? a / b : 0; }

// Bounds pass the largest double long before their logarithm does.
std::string power_of_ten(double log10) {
  return log10 < 300 ? number(std::pow(10, log10), Round::up, 3)
                     : "10^" + number(log10, Round::up, 6);
}

}  // namespace

void Tally::add(double losses, int64_t batches, int64_t right, int64_t labels) {
  loss += losses;
  steps += batches;
  correct += right;
  rows += labels;
}

double Tally::mean_loss() const { return ratio(loss, static_cast<double>(steps)); }
double Tally::accuracy() const {
  return ratio(static_cast<double>(correct), static_cast<double>(rows));
}
double Tally::rows_per_second() const { return ratio(static_cast<double>(rows), seconds); }

std::string json(const Line& line) {
  nlohmann::ordered_json out;
  out["step"] = line.step;
  out["loss"] = json_number(line.tally.mean_loss());
  out["accuracy"] = json_number(line.tally.accuracy());
  out["validation_loss"] = json_number(line.validation_loss);
  out["validation_accuracy"] = json_number(line.validation_accuracy);
  out["lr"] = json_number(line.lr);
  if (line.log10_bound) out["log10_bound"] = json_number(*line.log10_bound);
  out["rows_per_second"] = json_number(line.tally.rows_per_second());
  if (line.tally.projections > 0) {
    out["projections_skipped"] = ratio(static_cast<double>(line.tally.projections_skipped),
                                       static_cast<double>(line.tally.projections));
  }
  out["seconds"] = json_number(line.seconds);
  for (const models::LayerRange& layer : line.tracking.layers) {
    out["layers"][layer.name] = {json_number(layer.largest), json_number(layer.rms)};
  }
  for (const WeightRange& w : line.tracking.weights) {
    out["weights"][w.path].push_back(
        {json_number(w.lower), json_number(w.upper), json_number(w.stable_rank)});
  }
  return out.dump();
}

std::string progress(const Line& line, int64_t steps, double seconds_left, const char* unit) {
  const std::string bound =
      line.log10_bound ? fmt::format(", bound {}", power_of_ten(*line.log10_bound)) : "";
  const std::string rate = fmt::format("lr {:.3g}{}", line.lr, bound);
  if (line.tally.steps == 0) {  // a GPU has not been asked since the last line
    return fmt::format("{}/{}, {}, {} left", line.step, steps, rate, clock_time(seconds_left));
  }
  return fmt::format("{}/{}, loss {:.4g}, accuracy {:.1f} %, {}, {:.0f} {}/s, {} left", line.step,
                     steps, line.tally.mean_loss(), 100 * line.tally.accuracy(), rate,
                     line.tally.rows_per_second(), unit, clock_time(seconds_left));
}

}  // namespace taut::train

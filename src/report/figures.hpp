#pragma once

#include <optional>

#include "src/report/compare.hpp"
#include "src/report/document.hpp"

namespace taut::report {

// Certified and attacked accuracy of all runs against eps; `relative` divides eps by the run's
// unit. None when no run has a curve to show.
std::optional<Figure> curves(const Comparison& comparison, size_t threat, bool relative);

// Certified against attack radius, one point a row that both saw and predicted rightly. None
// without such rows.
std::optional<Figure> scatter(const Comparison& comparison, size_t threat);

// "RMS of the perturbed token / RMS of the embedding table"
std::string relative_label(const models::Threat& threat);

}  // namespace taut::report

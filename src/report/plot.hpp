#pragma once

#include <string>
#include <utility>
#include <vector>

// Line and point plots drawn by gnuplot.
namespace taut::report {

struct Axis {
  std::string label;
  double low = 0, high = 1;
  bool log = false;
};

// filled and open: symbols without lines, large enough to be told apart one by one.
enum class Mark { solid, dashed, dotted, dashed_line, points, filled, open, alarm, absent };

inline constexpr size_t kLongestTitle = 45;  // code points that the legend has room for

struct Series {
  std::string
      title;       // empty: not in the legend, which has two columns and fills the first one first
  size_t run = 0;  // picks colour and symbol
  Mark mark = Mark::solid;
  std::vector<std::pair<double, double>> points;  // finite; positive on a logarithmic axis; none:
                                                  // only in the legend
};

struct Plot {
  Axis x, y;
  bool diagonal = false;  // y = x
  bool square = false;
  std::vector<Series> series;
};

// Over the positive finite values: from 0, or logarithmic where they span a factor above 30, and
// then over the upper `decades` at most. [0, 1] without a value.
Axis spanning(const std::vector<double>& values, const std::string& label, double decades);

std::string gnuplot_script(const Plot& plot);

// The plot as an <svg> element that refers to nothing outside itself. `id` prefixes its ids, which
// one page must not repeat. Error when gnuplot is missing or fails.
std::string to_svg(const Plot& plot, const std::string& id);

}  // namespace taut::report

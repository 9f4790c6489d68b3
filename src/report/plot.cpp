#include "src/report/plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "src/core/core.hpp"
#include "src/report/format.hpp"

namespace taut::report {
namespace {

// Okabe and Ito (2008), told apart by colour-blind readers; their yellow is too light on white.
constexpr std::array kColours = {"#0072B2", "#D55E00", "#009E73", "#AA4499",
                                 "#E69F00", "#56B4E9", "#000000"};
struct Symbol {
  int filled, open;
};
constexpr std::array kSymbols = {Symbol{7, 6},   Symbol{5, 4},   Symbol{9, 8},
                                 Symbol{13, 12}, Symbol{11, 10}, Symbol{15, 14}};

std::string style(const Series& series) {
  const std::string colour = kColours[series.run % kColours.size()];
  const Symbol symbol = kSymbols[series.run % kSymbols.size()];
  // Symbols of different runs are spaced differently, so that they do not cover each other.
  const size_t spacing = 29 + 4 * (series.run % 6);
  switch (series.mark) {
    case Mark::solid:
      return fmt::format("with linespoints lc rgb '{}' lw 2.2 dt solid pt {} ps 0.75 pi {}", colour,
                         symbol.filled, spacing);
    case Mark::dashed:
      return fmt::format("with linespoints lc rgb '{}' lw 1.8 dt (9,5) pt {} ps 0.85 pi {}", colour,
                         symbol.open, spacing);
    case Mark::dotted:
      return fmt::format("with lines lc rgb '{}' lw 1.2 dt (2,4)", colour);
    case Mark::points:
      return fmt::format("with points lc rgb '#59{}' pt {} ps 0.5", colour.substr(1),
                         symbol.filled);
    case Mark::dashed_line:
      return fmt::format("with lines lc rgb '{}' lw 1.4 dt (9,5)", colour);
    case Mark::filled:
      return fmt::format("with points lc rgb '{}' pt {} ps 1.1", colour, symbol.filled);
    case Mark::open:
      return fmt::format("with points lc rgb '{}' lw 1.5 pt {} ps 1.1", colour, symbol.open);
    case Mark::absent:
      return "with lines lc rgb '#ffffff'";
    case Mark::alarm:
      return "with points lc rgb '#CC0000' lw 2 pt 2 ps 1.1";
  }
  return "";
}

std::string axis_lines(const char* name, const Axis& axis) {
  std::string out =
      fmt::format("set {0}label '{1}' offset {4} tc rgb '#222222'\nset {0}range [{2}:{3}]\n", name,
                  gnuplot_text(axis.label), axis.low, axis.high, name[0] == 'x' ? "0,0.5" : "0,0");
  if (axis.log) {
    const bool wide = axis.high / axis.low > 2e3;
    out += fmt::format("set logscale {0}\nset format {0} '{1}'\n", name, wide ? "1e%T" : "%g");
  }
  return out;
}

// Two decimals that are easy to read: 1, 2 or 5 times a power of ten.
double round_outward(double value, bool up) {
  const double decade = std::pow(10.0, std::floor(std::log10(value)));
  const std::array steps = {1.0, 2.0, 5.0, 10.0};
  if (up) {
    for (const double step : steps) {
      if (step * decade >= value) return step * decade;
    }
  }
  for (size_t i = steps.size(); i-- > 0;) {
    if (steps[i] * decade <= value) return steps[i] * decade;
  }
  return decade;
}

// Size, frame and a legend of two columns.
std::string opening(const Plot& plot) {
  size_t titles = 0, longest = 0;
  for (const Series& series : plot.series) {
    titles += series.title.empty() ? 0 : 1;
    longest = std::max(longest, columns(series.title));
  }
  const size_t rows = (titles + 1) / 2;
  // gnuplot takes letters for a fifth wider than they are; believing that, it would give up two
  // columns.
  const std::string legend = fmt::format(
      "set key below center vertical maxrows {} Left reverse samplen 4 spacing 1.15 "
      "height 0.7 width -{} tc rgb '#222222'\n",
      std::max<size_t>(rows, 1), longest / 5);
  return fmt::format(
             "set encoding utf8\nset terminal svg size {},{} dynamic noenhanced font "
             "'sans-serif,13' background '#ffffff'\n",
             plot.square ? 640 : 880, (plot.square ? 560 : 440) + 21 * rows) +
         "set border 3 lc rgb '#555555'\nset tics nomirror out tc rgb '#222222'\n"
         "set grid lt 1 lc rgb '#e0e0e0' lw 1 dt solid\nset samples 400\n" +
         legend + axis_lines("x", plot.x) + axis_lines("y", plot.y);
}

}  // namespace

Axis spanning(const std::vector<double>& values, const std::string& label, double decades) {
  std::vector<double> sorted;
  for (const double v : values) {
    if (v > 0 && std::isfinite(v)) sorted.push_back(v);
  }
  if (sorted.empty()) return {label, 0, 1, false};
  std::sort(sorted.begin(), sorted.end());
  const double high = sorted.back();
  const double low = std::max(sorted.front(), high * std::pow(10.0, -decades));
  if (high / low <= 30) return {label, 0, high * 1.05, false};
  return {label, round_outward(low, false), round_outward(high, true), true};
}

std::string gnuplot_script(const Plot& plot) {
  std::string data;
  std::vector<std::string> drawn;
  if (plot.diagonal) drawn.push_back("x with lines lc rgb '#333333' lw 1 dt solid notitle");
  for (const Series& series : plot.series) {
    std::string source = "NaN";  // an entry of the legend without a curve
    if (!series.points.empty()) {
      source = fmt::format("$s{} using 1:2", drawn.size());
      data += fmt::format("$s{} << EOD\n", drawn.size());
      for (const auto& [x, y] : series.points) data += fmt::format("{} {}\n", x, y);
      data += "EOD\n";
    }
    const std::string title =
        series.title.empty() ? "notitle" : fmt::format("title '{}'", gnuplot_text(series.title));
    drawn.push_back(fmt::format("{} {} {}", source, style(series), title));
  }
  if (drawn.empty()) drawn.push_back("NaN notitle");
  return opening(plot) + data + "plot " + join(drawn, ", \\\n  ") + "\n";
}

}  // namespace taut::report

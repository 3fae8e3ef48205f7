//===- Charts.cpp - Axes, lines and points --------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Svg.h"
#include "moec/Support/Text.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace llvm;

namespace moec::report {

double Axis::place(double value) const {
  if (logarithmic)
    return std::log(value / from) / std::log(to / from);
  return (value - from) / (to - from);
}

Axis Axis::powers(std::string title, double base, double from, double to) {
  Axis axis{std::move(title), from, to, true, {}};
  // A little beyond, as powers are not exact.
  double tick = from;
  while (tick <= to * 1.001) {
    axis.ticks.push_back({tick, ""});
    tick *= base;
  }
  return axis;
}

Axis Axis::steps(std::string title, double step, double from, double to) {
  Axis axis{std::move(title), from, to, false, {}};
  int count = int((to - from) / step + 1e-3);
  for (int i = 0; i <= count; ++i)
    axis.ticks.push_back({from + i * step, ""});
  return axis;
}

Axis Axis::upTo(std::string title, double most) {
  double step = std::pow(10, std::floor(std::log10(most)));
  for (double part : {0.5, 0.4, 0.5})
    if (most / step < 4)
      step *= part;
  return steps(std::move(title), step, 0, std::ceil(most / step) * step);
}

static void drawY(Svg &svg, const Frame &frame, const Axis &axis) {
  for (const auto &[value, name] : axis.ticks) {
    double y = frame.y(axis, value);
    svg.line(frame.left, y, frame.left + frame.width, y, "grid");
    svg.text(frame.left - 8, y + 4, "end",
             name.empty() ? fmt::format("{:g}", value) : name);
  }
  svg.line(frame.left, frame.top, frame.left, frame.top + frame.height, "axis");
  svg.upwards(18, frame.top + frame.height / 2, axis.title);
}

/// Moves texts of about this height apart that would lie on each other.
static void moveApart(std::vector<std::pair<double, size_t>> &heights) {
  constexpr double textHeight = 16;
  llvm::sort(heights);
  for (size_t i = 1; i < heights.size(); ++i)
    heights[i].first =
        std::max(heights[i].first, heights[i - 1].first + textHeight);
}

static std::string look(size_t series, StringRef kind) {
  return fmt::format("series{} {}", series % numColors, kind);
}

std::string drawChart(const Chart &chart) {
  Frame frame{64, 44, 526, 320};
  double right = std::max(170., nameWidth(ArrayRef(chart.series)) + 24);
  Svg svg(frame.left + frame.width + right, frame.top + frame.height + 56,
          chart.title);
  drawX(svg, frame, chart.x);
  drawY(svg, frame, chart.y);
  std::vector<std::pair<double, size_t>> names;
  for (auto [number, series] : enumerate(chart.series)) {
    std::vector<std::pair<double, double>> places;
    for (auto [x, y] : series.points)
      places.push_back({frame.x(chart.x, x), frame.y(chart.y, y)});
    if (series.line)
      svg.path(places, look(number, "stroke"));
    for (auto [i, place] : enumerate(places)) {
      auto [x, y] = series.points[i];
      if (series.markers)
        svg.circle(place.first, place.second, look(number, "fill"),
                   fmt::format("{}: {:g}, {:.4g}", series.name, x, y));
      if (i < series.labels.size())
        svg.text(place.first + 7, place.second + 16, "start", series.labels[i]);
    }
    if (!places.empty())
      names.push_back({places.back().second, number});
  }
  moveApart(names);
  for (auto [y, number] : names)
    svg.text(frame.left + frame.width + 12, y + 4, "start",
             chart.series[number].name, look(number, "fill"));
  return svg.str();
}

} // namespace moec::report

//===- Maps.cpp - Bands along an axis, and heat maps ----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Svg.h"
#include "moec/Support/Text.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace moec::report {

constexpr double mapWidth = 606, rowHeight = 30, mapTop = 44, mapRight = 24;

/// Where a map begins, to the right of its rows' names.
template <typename Row>
static double mapLeft(ArrayRef<Row> rows) {
  return std::max(130., nameWidth(rows) + 20);
}

std::string drawBands(StringRef title, const Axis &x, ArrayRef<BandRow> rows) {
  Frame frame{mapLeft(rows), mapTop, mapWidth, rowHeight * double(rows.size())};
  Svg svg(frame.left + mapWidth + mapRight, mapTop + frame.height + 56, title);
  drawX(svg, frame, x);
  std::vector<std::string> names;
  for (auto [i, row] : enumerate(rows)) {
    double top = frame.top + rowHeight * double(i) + 3;
    svg.text(frame.left - 10, top + 17, "end", row.name);
    for (const Band &band : row.bands) {
      size_t color = llvm::find(names, band.name) - names.begin();
      if (color == names.size())
        names.push_back(band.name);
      double left = frame.x(x, band.from), right = frame.x(x, band.to);
      svg.rect(left, top, right - left - 2, rowHeight - 6,
               fmt::format("series{} fill", color % numColors), band.name);
      constexpr double letter = 6.6;
      if (double(band.name.size()) * letter < right - left - 10)
        svg.text((left + right) / 2, top + 16, "middle", band.name, "inside");
    }
  }
  return svg.str();
}

std::string drawHeatMap(StringRef title, StringRef unit,
                        ArrayRef<HeatRow> rows) {
  double left = mapLeft(rows);
  Svg svg(left + mapWidth + mapRight,
          mapTop + rowHeight * double(rows.size()) + 20, title);
  for (auto [i, row] : enumerate(rows)) {
    double top = mapTop + rowHeight * double(i);
    svg.text(left - 10, top + 19, "end", row.name);
    double most = row.values.empty() ? 1 : *max_element(row.values);
    double cell = mapWidth / double(std::max<size_t>(row.values.size(), 1));
    for (auto [column, value] : enumerate(row.values))
      svg.rect(left + cell * double(column), top, cell, rowHeight - 6,
               "series0 fill",
               fmt::format("{}, {}: {:g} {}", row.name, column, value, unit),
               most > 0 ? 0.06 + 0.94 * value / most : 0.06);
  }
  return svg.str();
}

} // namespace moec::report

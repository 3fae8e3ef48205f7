//===- Charts.h - Figures as SVG and pages as HTML --------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one home of everything that is drawn. Figures stand alone, need no
// script, and follow the reader's choice of light or dark.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_REPORT_CHARTS_H
#define MOEC_REPORT_CHARTS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <utility>
#include <vector>

namespace moec::report {

/// A range of numbers and the marks on it.
struct Axis {
  std::string title;
  double from = 0, to = 1;
  bool logarithmic = false;
  /// Values, and what stands there; numbers where that is empty.
  std::vector<std::pair<double, std::string>> ticks;

  /// Where `value` lies between the ends, 0 to 1 if it is inside.
  double place(double value) const;
  /// From `from` to `to`, with a tick at each power of `base`.
  static Axis powers(std::string title, double base, double from, double to);
  /// From `from` to `to`, with a tick each `step`.
  static Axis steps(std::string title, double step, double from, double to);
  /// From 0 to `most` or a little more, with ticks at 4 to 10 round numbers.
  static Axis upTo(std::string title, double most);
};

/// Points that belong together.
struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;
  /// One text beside each point, or none at all.
  std::vector<std::string> labels;
  bool line = true, markers = true;
};

struct Chart {
  std::string title;
  Axis x, y;
  std::vector<Series> series;
};

/// Lines and points; each series has its name at its last point.
std::string drawChart(const Chart &chart);

/// A range of the axis with a name; ranges of the same name look the same.
struct Band {
  double from, to;
  std::string name;
};

struct BandRow {
  std::string name;
  std::vector<Band> bands;
};

/// What applies where along an axis, a row for each thing.
std::string drawBands(llvm::StringRef title, const Axis &x,
                      llvm::ArrayRef<BandRow> rows);

struct HeatRow {
  std::string name;
  std::vector<double> values;
};

/// Rows of cells, the darker the larger; `unit` says what is counted.
std::string drawHeatMap(llvm::StringRef title, llvm::StringRef unit,
                        llvm::ArrayRef<HeatRow> rows);

/// A table; the first row is the heading.
std::string htmlTable(llvm::ArrayRef<std::vector<std::string>> rows);

/// A self-contained page. `body` is HTML.
std::string htmlPage(llvm::StringRef title, llvm::StringRef body);

/// `text` with the characters that mean something in XML written out.
std::string escapeXml(llvm::StringRef text);

} // namespace moec::report

#endif // MOEC_REPORT_CHARTS_H

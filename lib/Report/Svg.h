//===- Svg.h - Writing SVG --------------------------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_REPORT_SVG_H
#define MOEC_LIB_REPORT_SVG_H

#include "moec/Report/Charts.h"

namespace moec::report {

/// Colours and fonts of figures and pages; each colour is a variable with a
/// value for light and one for dark.
llvm::StringRef styleSheet();

/// The number of colours for series, "series0" and so on.
inline constexpr size_t numColors = 8;

/// A figure that grows by elements. Coordinates are pixels from the top left;
/// looks come from classes of the style sheet.
class Svg {
public:
  Svg(double width, double height, llvm::StringRef title);

  void line(double x1, double y1, double x2, double y2, llvm::StringRef look);
  void rect(double x, double y, double width, double height,
            llvm::StringRef look, llvm::StringRef tip = "", double opacity = 1);
  void circle(double x, double y, llvm::StringRef look, llvm::StringRef tip);
  void path(llvm::ArrayRef<std::pair<double, double>> points,
            llvm::StringRef look);
  /// `anchor` is "start", "middle" or "end".
  void text(double x, double y, llvm::StringRef anchor, llvm::StringRef content,
            llvm::StringRef look = "label");
  /// As text, upwards.
  void upwards(double x, double y, llvm::StringRef content);

  std::string str() const { return content + "</svg>\n"; }

private:
  std::string content;
};

/// Room for the longest of the names, whatever the reader's font is.
template <typename Named>
double nameWidth(llvm::ArrayRef<Named> named) {
  constexpr double letter = 7.8;
  size_t longest = 0;
  for (const Named &one : named)
    longest = std::max(longest, one.name.size());
  return letter * double(longest);
}

/// Where a figure's axes are, in pixels.
struct Frame {
  double left, top, width, height;

  double x(const Axis &axis, double value) const {
    return left + axis.place(value) * width;
  }
  double y(const Axis &axis, double value) const {
    return top + height - axis.place(value) * height;
  }
};

/// The horizontal axis at the foot of the frame, with its grid lines.
void drawX(Svg &svg, const Frame &frame, const Axis &axis);

} // namespace moec::report

#endif // MOEC_LIB_REPORT_SVG_H

//===- Svg.cpp - Writing SVG ----------------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Svg.h"
#include "moec/Support/Text.h"

using namespace llvm;

namespace moec::report {

StringRef styleSheet() {
  return R"(:root{color-scheme:light dark;--paper:#fff;--ink:#1b2430;--dim:#5b6675;--grid:#dde2e9;
--c0:#0b63c5;--c1:#c2410c;--c2:#15803d;--c3:#7e22ce;--c4:#a16207;--c5:#be123c;--c6:#0f766e;--c7:#475569}
@media(prefers-color-scheme:dark){:root{--paper:#12171e;--ink:#e7ebf1;--dim:#9da8b6;--grid:#2c3541;
--c0:#62adff;--c1:#ff9d5c;--c2:#5fd38a;--c3:#c79bff;--c4:#e8c252;--c5:#ff8097;--c6:#4fd1c5;--c7:#a9b6c6}}
svg{font:13px system-ui,sans-serif;max-width:100%;height:auto}
.paper{fill:var(--paper)}.label{fill:var(--dim)}.title{fill:var(--ink);font-size:15px;font-weight:600}
.grid{stroke:var(--grid)}.axis{stroke:var(--dim)}.inside{fill:var(--paper);font-size:12px}
.series0{--c:var(--c0)}.series1{--c:var(--c1)}.series2{--c:var(--c2)}.series3{--c:var(--c3)}
.series4{--c:var(--c4)}.series5{--c:var(--c5)}.series6{--c:var(--c6)}.series7{--c:var(--c7)}
.stroke{fill:none;stroke:var(--c);stroke-width:2}.fill{fill:var(--c)}
)";
}

std::string escapeXml(StringRef text) {
  std::string result;
  for (char c : printable(text))
    result += c == '&'   ? "&amp;"
              : c == '<' ? "&lt;"
              : c == '>' ? "&gt;"
              : c == '"' ? "&quot;"
                         : std::string(1, c);
  return result;
}

Svg::Svg(double width, double height, StringRef title) {
  content = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
      "viewBox=\"0 0 {0} {1}\" role=\"img\" aria-label=\"{2}\">\n"
      "<style>{3}</style>\n",
      width, height, escapeXml(title), styleSheet());
  rect(0, 0, width, height, "paper");
  text(16, 24, "start", title, "title");
}

void Svg::line(double x1, double y1, double x2, double y2, StringRef look) {
  content += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" "
                         "y2=\"{:.1f}\" class=\"{}\"/>\n",
                         x1, y1, x2, y2, look);
}

void Svg::rect(double x, double y, double width, double height, StringRef look,
               StringRef tip, double opacity) {
  content += fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
      "class=\"{}\" opacity=\"{:.3f}\"><title>{}</title></rect>\n",
      x, y, width, height, look, opacity, escapeXml(tip));
}

void Svg::circle(double x, double y, StringRef look, StringRef tip) {
  content += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" "
                         "class=\"{}\"><title>{}</title></circle>\n",
                         x, y, look, escapeXml(tip));
}

void Svg::path(ArrayRef<std::pair<double, double>> points, StringRef look) {
  std::string way;
  for (auto [x, y] : points)
    way += fmt::format("{}{:.1f} {:.1f}", way.empty() ? "M" : "L", x, y);
  content += fmt::format("<path d=\"{}\" class=\"{}\"/>\n", way, look);
}

void Svg::text(double x, double y, StringRef anchor, StringRef what,
               StringRef look) {
  content += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" "
                         "class=\"{}\">{}</text>\n",
                         x, y, anchor, look, escapeXml(what));
}

void Svg::upwards(double x, double y, StringRef what) {
  content +=
      fmt::format("<text transform=\"translate({:.1f} {:.1f}) rotate(-90)\" "
                  "text-anchor=\"middle\" class=\"label\">{}</text>\n",
                  x, y, escapeXml(what));
}

void drawX(Svg &svg, const Frame &frame, const Axis &axis) {
  double foot = frame.top + frame.height;
  for (const auto &[value, name] : axis.ticks) {
    double x = frame.x(axis, value);
    svg.line(x, frame.top, x, foot, "grid");
    svg.text(x, foot + 18, "middle",
             name.empty() ? fmt::format("{:g}", value) : name);
  }
  svg.line(frame.left, foot, frame.left + frame.width, foot, "axis");
  svg.text(frame.left + frame.width / 2, foot + 38, "middle", axis.title);
}

} // namespace moec::report

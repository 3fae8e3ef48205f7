//===- Page.cpp - Pages as HTML -------------------------------------------===//
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

std::string htmlTable(ArrayRef<std::vector<std::string>> rows) {
  std::string text = "<div class=\"wide\"><table>\n";
  for (auto [i, row] : enumerate(rows)) {
    text += "<tr>";
    for (const std::string &cell : row)
      text += fmt::format("<{0}>{1}</{0}>", i ? "td" : "th", escapeXml(cell));
    text += "</tr>\n";
  }
  return text + "</table></div>\n";
}

std::string htmlPage(StringRef title, StringRef body) {
  constexpr StringRef pageStyle =
      R"(body{margin:2rem auto;padding:0 1.2rem;max-width:62rem;background:var(--paper);color:var(--ink);
font:15px/1.55 system-ui,sans-serif}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}
p{color:var(--dim)}.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .8rem;border-bottom:1px solid var(--grid);text-align:right;white-space:nowrap}
th{color:var(--dim);font-weight:500}th:first-child,td:first-child{text-align:left}
svg{display:block;margin:1rem 0}
)";
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n<title>{0}</title>\n<style>{1}{2}</style>\n"
      "</head>\n<body>\n<h1>{0}</h1>\n{3}</body>\n</html>\n",
      escapeXml(title), styleSheet(), pageStyle, body);
}

} // namespace moec::report

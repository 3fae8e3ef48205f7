//===- Report.cpp - printing a judgement ------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A CompareReport as a table for people.
//
//===----------------------------------------------------------------------===//

#include "moec/Reference/Compare.h"

#include "moec/Support/Text.h"

#include <fmt/ranges.h>

using namespace llvm;

namespace moec::reference {

static std::string formatLine(StringRef name, int64_t elements,
                              const Deviation &worst, StringRef verdict) {
  return fmt::format("{:<20} {:>9} {:>11.3e} {:>11.3e} {:>9.3g}  {:<14} {}\n",
                     name, elements, worst.error(), worst.bound, worst.ratio(),
                     fmt::format("[{}, {}]", worst.row, worst.column), verdict);
}

static std::string formatOutput(const OutputReport &output) {
  if (output.elements == 0)
    return fmt::format("{:<20} {:>9}\n", output.name, 0);
  std::string verdict =
      output.outside == 0 ? "ok" : fmt::format("{} outside", output.outside);
  if (output.unbounded > 0)
    verdict += fmt::format(", {} may overflow", output.unbounded);
  return formatLine(output.name, output.elements, output.worst, verdict);
}

static std::string formatIds(const CompareReport &report) {
  std::string text = fmt::format(
      "{:<20} {:>9} {:>58}\n", "topk_ids", report.rows,
      report.mismatches.empty()
          ? "ok"
          : fmt::format("{} wrong", plural(report.mismatches.size(), "row")));
  if (report.tooClose > 0)
    text += fmt::format("  {} too close to call\n",
                        plural(static_cast<uint64_t>(report.tooClose), "row"));
  constexpr size_t shown = 10;
  for (size_t i = 0; i < report.mismatches.size() && i < shown; ++i) {
    const IdMismatch &row = report.mismatches[i];
    text +=
        fmt::format("  row {}: ids [{}], expected [{}]", row.row,
                    fmt::join(row.actual, ", "), fmt::join(row.expected, ", "));
    if (row.gap == infinity)
      text += "; of equal scores the lower index comes first";
    else if (!std::isnan(row.gap))
      text += fmt::format("; the choice has a gap of {:.3g}, bound {:.3g}",
                          row.gap, row.bound);
    text += "\n";
  }
  if (report.mismatches.size() > shown)
    text += fmt::format("  and {} more\n", report.mismatches.size() - shown);
  return text;
}

std::string formatReport(const CompareReport &report, bool listExperts) {
  std::string text =
      fmt::format("{:<20} {:>9} {:>11} {:>11} {:>9}  {:<14}\n", "output",
                  "elements", "error", "bound", "of bound", "at");
  for (const OutputReport &output : report.outputs)
    text += formatOutput(output);
  text += formatIds(report);
  if (!listExperts || report.experts.empty())
    return text;
  text += fmt::format("\n{:<20} {:>9} {:>11} {:>11} {:>9}  {:<14}\n", "expert",
                      "rows", "error", "bound", "of bound", "at");
  for (const ExpertReport &expert : report.experts)
    text += formatLine(std::to_string(expert.expert), expert.rows, expert.worst,
                       expert.worst.isWithin() ? "ok" : "outside");
  return text;
}

} // namespace moec::reference

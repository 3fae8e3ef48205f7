//===- GpuLimits.cpp - Limits of a report's numbers -----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file of limits is {"at_most": {PATTERN: NUMBER}, "at_least": {...}}; a
// pattern has *, ? and [...] as in a shell, and matches figures' whole paths. A
// pattern that matches nothing would limit nothing for ever, so it is an error.
//
//===----------------------------------------------------------------------===//

#include "GpuReport.h"
#include "moec/Support/Error.h"
#include "moec/Support/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/GlobPattern.h"

using namespace llvm;
using nlohmann::json;

namespace moec::driver {

/// Adds a line for each figure that breaks one limit. A sum of thousands of
/// fractions may be off in the last places.
static Error checkLimit(StringRef file, const std::string &text, double limit,
                        bool most, ArrayRef<GpuFigure> figures,
                        std::vector<std::string> &broken) {
  constexpr double slack = 1e-9;
  Expected<GlobPattern> pattern = GlobPattern::create(text);
  if (!pattern)
    return inputError("{}: {} is no pattern: {}", printable(file), quote(text),
                      toString(pattern.takeError()));
  bool any = false;
  for (const GpuFigure &figure : figures) {
    if (!pattern->match(figure.path))
      continue;
    any = true;
    double over = most ? figure.value - limit : limit - figure.value;
    if (over > slack * std::abs(limit))
      broken.push_back(fmt::format("{} is {:g}, {} than {:g}",
                                   printable(figure.path), figure.value,
                                   most ? "more" : "less", limit));
  }
  if (!any)
    return inputError("{}: the report has no figure {}; `moec gpu-report "
                      "--figures` lists what it has",
                      printable(file), quote(text));
  return Error::success();
}

Expected<std::vector<std::string>> brokenLimits(StringRef path,
                                                ArrayRef<GpuFigure> figures) {
  Expected<json> document = readJson(path);
  if (!document)
    return document.takeError();
  if (!document->is_object())
    return inputError("{} is no JSON object with \"at_most\" or \"at_least\"",
                      printable(path));
  std::vector<std::string> broken;
  for (const auto &[key, limits] : document->items()) {
    if ((key != "at_most" && key != "at_least") || !limits.is_object())
      return inputError("{}: key {} is not \"at_most\" or \"at_least\" with an "
                        "object of numbers",
                        printable(path), quote(key));
    for (const auto &[pattern, limit] : limits.items()) {
      if (!limit.is_number())
        return inputError("{}: the limit of {} is no number", printable(path),
                          quote(pattern));
      if (Error error = checkLimit(path, pattern, limit.get<double>(),
                                   key == "at_most", figures, broken))
        return std::move(error);
    }
  }
  return broken;
}

} // namespace moec::driver

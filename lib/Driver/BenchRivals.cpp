//===- BenchRivals.cpp - Other engines on the same layer ------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BenchRivals.h"
#include "BenchReport.h"
#include "Table.h"
#include "moec/Support/Error.h"
#include "moec/Support/Json.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

#include <dlfcn.h>
#include <fmt/ranges.h>

using namespace llvm;
using nlohmann::json;

namespace moec::driver {

/// The shared library that this program itself runs layers with.
static std::string runtimeLibrary() {
  Dl_info info = {};
  dladdr(reinterpret_cast<void *>(&moec_version), &info);
  return info.dli_fname ? info.dli_fname : "";
}

static Error runScript(const BenchLayer &layer, StringRef format,
                       const RivalOptions &options, StringRef results) {
  constexpr StringRef script = MOEC_RIVALS_SCRIPT;
  if (!sys::fs::exists(script))
    return inputError("the race's script {} is missing; it is part of moec's "
                      "sources, which have to be where moec was built",
                      script);
  ErrorOr<std::string> python = sys::findProgramByName(options.python);
  if (!python)
    return inputError("there is no program {}; --python=PATH names the "
                      "interpreter that has the rivals' packages",
                      quote(options.python));
  std::string arguments[] = {*python,
                             script.str(),
                             layer.directory().str(),
                             runtimeLibrary(),
                             format.str(),
                             fmt::format("{}", fmt::join(options.tokens, ",")),
                             fmt::format("{}", fmt::join(options.threads, ",")),
                             fmt::format("{}", options.seconds),
                             results.str()};
  SmallVector<StringRef> references(std::begin(arguments), std::end(arguments));
  std::string message;
  int code = sys::ExecuteAndWait(*python, references, std::nullopt, {}, 0, 0,
                                 &message);
  if (code)
    return inputError("{} {} failed with exit code {}{}{}", *python, script,
                      code, message.empty() ? "" : ": ", message);
  return Error::success();
}

Expected<std::vector<RivalCell>> raceRivals(const BenchLayer &layer,
                                            StringRef format,
                                            const RivalOptions &options) {
  SmallString<128> path(layer.directory());
  sys::path::append(path, "rivals.json");
  if (Error error = runScript(layer, format, options, path))
    return std::move(error);
  Expected<json> results = readJson(path);
  if (!results)
    return results.takeError();
  std::vector<RivalCell> cells;
  double ours = 0;
  // Our own script wrote it: each of our times comes before the others'.
  for (const json &entry : *results) {
    RivalCell cell;
    cell.format = format.str();
    cell.engine = entry.value("engine", "");
    cell.version = entry.value("version", "");
    cell.tokens = entry.value("tokens", int64_t(0));
    cell.threads = entry.value("threads", int64_t(0));
    cell.milliseconds = entry.value("ms", 0.);
    cell.best = entry.value("best_ms", 0.);
    cell.agree = entry.value("agree", 0.);
    cell.quiet = entry.value("quiet", false);
    if (cell.engine == "moec")
      ours = cell.milliseconds;
    cell.ours = ours;
    cells.push_back(std::move(cell));
  }
  return cells;
}

std::string rivalTable(const Console &console, ArrayRef<RivalCell> cells) {
  Table table({"layer", "format", ">threads", ">T", "engine", ">median",
               ">best", ">of ours", ">rows alike"});
  bool noisy = false;
  for (const RivalCell &cell : cells) {
    noisy |= !cell.quiet;
    table.addRow({cell.shape, cell.format,
                  cell.threads == RivalOptions::onGpu
                      ? "GPU"
                      : std::to_string(cell.threads),
                  std::to_string(cell.tokens), cell.engine,
                  threeDigits(cell.milliseconds) + (cell.quiet ? "" : "~"),
                  threeDigits(cell.best), fmt::format("{:.2f} x", cell.ratio()),
                  fmt::format("{:.0f} %", cell.agree * 100)});
  }
  std::string text = table.str(console) + "\nmilliseconds a call";
  return text + (noisy ? "; ~ other programs used the CPUs\n" : "\n");
}

std::string rivalJson(ArrayRef<RivalCell> cells) {
  json list = json::array();
  for (const RivalCell &cell : cells)
    list.push_back({{"shape", cell.shape},
                    {"format", cell.format},
                    {"tokens", cell.tokens},
                    {"threads", cell.threads},
                    {"engine", cell.engine},
                    {"version", cell.version},
                    {"ms", cell.milliseconds},
                    {"best_ms", cell.best},
                    {"ratio_to_ours", cell.ratio()},
                    {"rows_alike", cell.agree},
                    {"quiet", cell.quiet}});
  return list.dump(2) + "\n";
}

} // namespace moec::driver

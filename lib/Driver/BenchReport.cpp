//===- BenchReport.cpp - What moec bench found ----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BenchReport.h"
#include "Table.h"
#include "moec/Support/Text.h"

#include <nlohmann/json.hpp>

using namespace llvm;
using nlohmann::json;

namespace moec::driver {

void BenchCell::addLoad(const perf::Load &load) {
  ++inputs;
  routed += load.routed();
  active += load.active();
}

int64_t BenchCell::rowsOfExpert() const {
  return std::max<int64_t>(1, routed / std::max<int64_t>(1, active));
}

std::string BenchCell::title() const {
  return fmt::format("{} {}, T = {}", shape, format, tokens);
}

static StringRef boundName(const perf::Timing &timing) {
  return timing.computeBound ? "compute" : "memory";
}

/// Three digits: "0.413", "2.31", "856".
static std::string threeDigits(double value) {
  return fmt::format("{:.{}f}", value,
                     value < 1     ? 3
                     : value < 10  ? 2
                     : value < 100 ? 1
                                   : 0);
}

/// The rates of all cells: "bf16 at 421 to 463 GFLOP/s".
static std::string range(ArrayRef<BenchCell> cells, double perf::Rates::*rate) {
  std::vector<double> values;
  for (const BenchCell &cell : cells)
    values.push_back(cell.timing.rates.*rate * 1e-9);
  return fmt::format("{:.0f} to {:.0f}", perf::quantile(values, 0),
                     perf::quantile(values, 1));
}

std::string benchTable(const Console &console, ArrayRef<BenchCell> cells) {
  std::vector<std::string> columns = {
      "layer",   "format", ">threads", ">T",     "routing", ">experts",
      ">median", ">best",  ">spread",  ">share", "bound by"};
  if (console.verbose)
    columns.push_back("strategy");
  Table table(columns);
  bool noisy = false;
  for (const BenchCell &cell : cells) {
    const perf::Timing &timing = cell.timing;
    noisy |= !timing.quiet;
    std::vector<std::string> row = {
        cell.shape,
        cell.format,
        std::to_string(cell.threads),
        std::to_string(cell.tokens),
        routingName(cell.routing).str(),
        fmt::format("{:.0f}", double(cell.active) / double(cell.inputs)),
        threeDigits(timing.median * 1e3) + (timing.quiet ? "" : "~"),
        threeDigits(timing.best * 1e3),
        fmt::format("{:.0f} %", timing.spread() * 100),
        fmt::format("{:.0f} %", timing.rooflineRatio * 100),
        boundName(timing).str()};
    if (console.verbose)
      row.push_back(cell.strategy);
    table.addRow(row);
  }
  return table.str(console) +
         fmt::format(
             "\nmilliseconds a call; share: of what the machine can do, which "
             "multiplied {} GFLOP/s\nand read {} GB/s meanwhile{}\n",
             range(cells, &perf::Rates::peak), range(cells, &perf::Rates::read),
             noisy ? "\n~ other programs used the CPUs, so that all calls count"
                   : "");
}

std::string benchJson(ArrayRef<BenchCell> cells) {
  json list = json::array();
  for (const BenchCell &cell : cells) {
    const perf::Timing &timing = cell.timing;
    list.push_back(
        {{"shape", cell.shape},
         {"format", cell.format},
         {"tokens", cell.tokens},
         {"threads", cell.threads},
         {"routing", routingName(cell.routing).str()},
         {"ms", timing.median * 1e3},
         {"best_ms", timing.best * 1e3},
         {"spread", timing.spread()},
         {"roofline_ratio", timing.rooflineRatio},
         {"bound", boundName(timing).str()},
         {"strategy", cell.strategy},
         {"active_experts", double(cell.active) / double(cell.inputs)},
         {"calls", timing.calls},
         {"quiet", timing.quiet},
         {"peak_flops", timing.rates.peak},
         {"read_bytes", timing.rates.read}});
  }
  return list.dump(2) + "\n";
}

} // namespace moec::driver

//===- BenchReport.cpp - What moec bench found ----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BenchReport.h"
#include "Table.h"
#include "moec/Report/Charts.h"
#include "moec/Support/Text.h"

#include "llvm/ADT/STLExtras.h"

#include <nlohmann/json.hpp>

using namespace llvm;
using nlohmann::json;

namespace moec::driver {

std::string BenchCell::title() const {
  return fmt::format("{} {}, T = {}", shape, format, tokens);
}

std::string BenchCell::team() const {
  return device.empty() ? plural(threads, "thread") : "GPU";
}

static StringRef boundName(const perf::Timing &timing) {
  return timing.computeBound ? "compute" : "memory";
}

std::string threeDigits(double value) {
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

/// What the numbers of a table mean.
static std::string footer(ArrayRef<BenchCell> cells, bool noisy) {
  std::string peak = range(cells, &perf::Rates::peak),
              read = range(cells, &perf::Rates::read);
  if (!cells.empty() && !cells.front().device.empty())
    return fmt::format("\nmilliseconds a call; share: of what {} can do, which "
                       "multiplies {} GFLOP/s\nat its highest clock and copied "
                       "{} GB/s meanwhile\n",
                       cells.front().device, peak, read);
  return fmt::format("\nmilliseconds a call; share: of what the machine can "
                     "do, which multiplied {} GFLOP/s\nand read {} GB/s "
                     "meanwhile{}\n",
                     peak, read,
                     noisy ? "\n~ other programs used the CPUs, so that all "
                             "calls count"
                           : "");
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
        cell.device.empty() ? std::to_string(cell.threads) : "GPU",
        std::to_string(cell.tokens),
        routingName(cell.routing).str(),
        fmt::format("{:.0f}", cell.active),
        threeDigits(timing.median * 1e3) + (timing.quiet ? "" : "~"),
        threeDigits(timing.best * 1e3),
        fmt::format("{:.0f} %", timing.spread() * 100),
        fmt::format("{:.0f} %", timing.rooflineRatio * 100),
        boundName(timing).str()};
    if (console.verbose)
      row.push_back(cell.strategy);
    table.addRow(row);
  }
  return table.str(console) + footer(cells, noisy);
}

std::string benchPlot(ArrayRef<BenchCell> cells) {
  double most = 2;
  report::Chart chart;
  chart.title = "Share of what the machine can do";
  for (const BenchCell &cell : cells) {
    std::string name =
        fmt::format("{} {}, {}", cell.shape, cell.format, cell.team());
    if (cell.routing != Routing::Random)
      name += fmt::format(", {}", routingName(cell.routing));
    auto series = find_if(chart.series, [&](const report::Series &known) {
      return known.name == name;
    });
    if (series == chart.series.end()) {
      chart.series.push_back({name, {}, {}});
      series = std::prev(chart.series.end());
    }
    series->points.push_back(
        {double(cell.tokens), cell.timing.rooflineRatio * 100});
    most = std::max(most, double(cell.tokens));
  }
  chart.x = report::Axis::powers("tokens", 2, 1, most);
  chart.y = report::Axis::steps("% of the roofline", 20, 0, 120);
  return report::drawChart(chart);
}

std::string benchJson(ArrayRef<BenchCell> cells) {
  json list = json::array();
  for (const BenchCell &cell : cells) {
    const perf::Timing &timing = cell.timing;
    list.push_back({{"shape", cell.shape},
                    {"format", cell.format},
                    {"tokens", cell.tokens},
                    {"threads", cell.threads},
                    {"device", cell.device.empty() ? "cpu" : cell.device},
                    {"routing", routingName(cell.routing).str()},
                    {"ms", timing.median * 1e3},
                    {"best_ms", timing.best * 1e3},
                    {"spread", timing.spread()},
                    {"roofline_ratio", timing.rooflineRatio},
                    {"bound", boundName(timing).str()},
                    {"strategy", cell.strategy},
                    {"active_experts", cell.active},
                    {"calls", timing.calls},
                    {"quiet", timing.quiet},
                    {"peak_flops", timing.rates.peak},
                    {"read_bytes", timing.rates.read}});
  }
  return list.dump(2) + "\n";
}

} // namespace moec::driver

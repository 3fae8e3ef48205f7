//===- GpuReportText.cpp - A GPU bundle's figures for people --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tables as rows of text, which the screen and the page lay out in their own
// ways.
//
//===----------------------------------------------------------------------===//

#include "GpuReport.h"
#include "Table.h"
#include "moec/Report/Charts.h"
#include "moec/Support/Text.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace moec::driver {
namespace {

/// A heading and rows; columns of numbers begin with '>' in the first row.
struct Grid {
  std::string title;
  std::vector<std::vector<std::string>> rows;
};

} // namespace

static Grid kernelGrid(const GpuReport &report) {
  Grid grid{"Kernels",
            {{"kernel", ">registers", ">stack", ">spills", ">shared",
              ">threads", ">blocks", "limited by", ">code"}}};
  for (const perf::GpuKernel &kernel : report.kernels)
    grid.rows.push_back(
        {kernel.name, std::to_string(kernel.needs.registers),
         std::to_string(kernel.stackBytes), std::to_string(kernel.spills),
         formatBytes(uint64_t(kernel.needs.sharedBytes)),
         std::to_string(kernel.needs.threads),
         std::to_string(kernel.occupancy.blocks), kernel.occupancy.limit.str(),
         formatBytes(uint64_t(kernel.codeBytes))});
  return grid;
}

/// The classes of a loop's instructions, the most frequent first.
static std::string mix(const perf::GpuLoop &loop) {
  std::vector<std::pair<int64_t, unsigned>> counts;
  for (auto [kind, count] : enumerate(loop.classes))
    if (count)
      counts.push_back({-count, unsigned(kind)});
  llvm::sort(counts);
  std::string text;
  for (auto [count, kind] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", -count,
                        cubin::className(cubin::OpClass(kind)));
  return text;
}

static std::vector<std::string> loopRow(std::string name, double n,
                                        double stall, double t) {
  return {std::move(name),
          fmt::format("{:g}", n),
          fmt::format("{:g}", stall),
          fmt::format("{:g}", t),
          fmt::format("{:.3f}", n / t),
          fmt::format("{:.3f}", stall / t)};
}

static Grid loopGrid(const GpuReport &report) {
  Grid grid{"Loops on the tensor cores",
            {{"kernel", ">n", ">stall", ">t", ">n/t", ">stall/t", ">density",
              "instructions"}}};
  for (const perf::GpuKernel &kernel : report.kernels)
    for (const perf::GpuLoop &loop : kernel.loops) {
      if (loop.tensorCycles <= 0)
        continue;
      auto row = loopRow(kernel.name, double(loop.instructions),
                         double(loop.stall), loop.tensorCycles);
      row.push_back(fmt::format("{:.2f}", loop.density()));
      row.push_back(mix(loop));
      grid.rows.push_back(std::move(row));
    }
  return grid;
}

static Grid rivalGrid(const GpuReport &report) {
  Grid grid{"Other engines, 64 of K",
            {{"kernel", ">n", ">stall", ">t", ">n/t", ">stall/t"}}};
  for (const GpuRival &rival : gpuRivals(report.chipName))
    grid.rows.push_back(loopRow(fmt::format("{}, {}", rival.engine, rival.tile),
                                double(rival.instructions), double(rival.stall),
                                double(rival.tensorCycles)));
  return grid;
}

static Grid otherLoopGrid(const GpuReport &report) {
  Grid grid{"Main loops of the other kernels",
            {{"kernel", ">n", ">stall", "instructions"}}};
  for (const perf::GpuKernel &kernel : report.kernels) {
    const perf::GpuLoop *loop = kernel.mainLoop();
    if (loop && loop->tensorCycles <= 0)
      grid.rows.push_back({kernel.name, std::to_string(loop->instructions),
                           std::to_string(loop->stall), mix(*loop)});
  }
  return grid;
}

static Grid trafficGrid(const GpuLayer &layer) {
  Grid grid{"Bytes of a call: " + layer.names,
            {{">T", ">launches", ">experts", ">buffers", ">GLU fused",
              ">unfused", ">from L2", ">memory", ">least", ">share"}}};
  for (const GpuBatch &batch : layer.batches) {
    const perf::GpuTraffic &traffic = batch.traffic;
    grid.rows.push_back(
        {std::to_string(batch.load.tokens), std::to_string(traffic.launches),
         std::to_string(batch.load.active()),
         formatBytes(uint64_t(traffic.passBytes)),
         formatBytes(uint64_t(traffic.fusedBytes)),
         formatBytes(uint64_t(traffic.unfusedBytes)),
         formatBytes(uint64_t(traffic.cacheBytes)),
         formatBytes(uint64_t(traffic.memoryBytes)),
         formatBytes(uint64_t(traffic.leastBytes)),
         fmt::format("{:.2f}", traffic.memoryBytes / traffic.leastBytes)});
  }
  return grid;
}

static Grid tileGrid(const GpuLayer &layer) {
  Grid grid{
      "Tiles of a call: " + layer.names,
      {{"product", "tile", ">T", ">rows", ">tiles", ">padding", ">busy"}}};
  for (const GpuBatch &batch : layer.batches)
    for (const perf::TiledProduct &product : batch.traffic.products)
      grid.rows.push_back(
          {product.weights, product.tile, std::to_string(batch.load.tokens),
           std::to_string(product.rows), std::to_string(product.tiles),
           fmt::format("{:.2f}", product.padding),
           fmt::format("{:.2f}", product.busy)});
  return grid;
}

/// What is done for the weights, and how many are under way.
static Grid streamGrid(const GpuReport &report, const GpuLayer &layer) {
  Grid grid{"Weights on their way: " + layer.names,
            {{"kernel", "product", "tile", ">n per KiB", ">under way"}}};
  if (layer.streams.empty())
    return grid;
  for (const GpuStream &stream : layer.streams)
    grid.rows.push_back(
        {stream.kernel, stream.weights, stream.tile,
         fmt::format("{:.1f}", stream.figures.instructionsPerKib),
         formatBytes(uint64_t(stream.figures.flightBytes))});
  for (const GpuStreamRival &rival : gpuStreamRivals())
    grid.rows.push_back(
        {rival.engine.str(), "", "T = 1",
         fmt::format("{}-{}", rival.leastInstructions, rival.mostInstructions),
         fmt::format("{}-{} KiB", rival.leastKib, rival.mostKib)});
  grid.rows.push_back({report.chip.board.str() + " has time for", "", "",
                       std::to_string(report.chip.instructionsPerKib), ""});
  return grid;
}

static Grid launchGrid() {
  Grid grid{"Launches of other engines", {{"engine", ">T = 1", ">T = 4096"}}};
  for (const GpuLaunchRival &rival : gpuLaunchRivals())
    grid.rows.push_back({rival.engine.str(), std::to_string(rival.decode),
                         std::to_string(rival.prefill)});
  return grid;
}

/// What tiles of other engines pad.
static Grid paddingGrid(const GpuLayer &layer) {
  Grid grid{"Padding of tiles of other engines: " + layer.names, {{">T"}}};
  for (int64_t granule : gpuRivalGranules)
    grid.rows.front().push_back(fmt::format(">{} rows", granule));
  for (const GpuBatch &batch : layer.batches) {
    auto &row = grid.rows.emplace_back();
    row.push_back(std::to_string(batch.load.tokens));
    for (int64_t granule : gpuRivalGranules)
      row.push_back(
          fmt::format("{:.2f}", perf::paddingOf(batch.load, granule)));
  }
  return grid;
}

/// All tables that have a row besides their heading.
static std::vector<Grid> grids(const GpuReport &report) {
  std::vector<Grid> result = {kernelGrid(report), loopGrid(report),
                              rivalGrid(report), otherLoopGrid(report)};
  for (const GpuLayer &layer : report.layers) {
    result.push_back(trafficGrid(layer));
    result.push_back(tileGrid(layer));
    result.push_back(streamGrid(report, layer));
    result.push_back(paddingGrid(layer));
  }
  result.push_back(launchGrid());
  llvm::erase_if(result, [](const Grid &grid) { return grid.rows.size() < 2; });
  return result;
}

std::string gpuReportText(const Console &console, const GpuReport &report) {
  std::string text = fmt::format(
      "{}: for {}, judged as {} with {} multiprocessors\n", report.bundle,
      report.chipName, report.chip.board, report.chip.processors);
  for (const Grid &grid : grids(report)) {
    text += "\n" + console.styled(Style::Bold, grid.title) + "\n";
    Table table(grid.rows.front());
    for (const auto &row : drop_begin(grid.rows))
      table.addRow(row);
    text += table.str(console);
  }
  return text;
}

std::string gpuReportPage(const GpuReport &report) {
  std::string body = fmt::format(
      "<p>For {}, judged as {} with {} multiprocessors. n: instructions of one "
      "warp; stall: the cycles that the assembler put between them; t: the "
      "cycles that the tensor cores need meanwhile.</p>\n",
      report.chipName, report.chip.board, report.chip.processors);
  for (Grid &grid : grids(report)) {
    for (std::string &name : grid.rows.front())
      if (name.front() == '>')
        name.erase(0, 1);
    body += fmt::format("<h2>{}</h2>\n", report::escapeXml(grid.title)) +
            report::htmlTable(grid.rows);
  }
  return report::htmlPage("moec gpu-report " + report.bundle, body);
}

} // namespace moec::driver

//===- GpuFigures.cpp - The numbers of a report by name -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each number has a path, by which limits and other programs name it; the JSON
// of a report is made of the same numbers.
//
//===----------------------------------------------------------------------===//

#include "GpuReport.h"
#include "moec/Support/Text.h"

#include "llvm/ADT/STLExtras.h"

#include <fmt/format.h>

using namespace llvm;
using nlohmann::json;

namespace moec::driver {

using cubin::OpClass;

static json loopJson(const perf::GpuLoop &loop) {
  json classes = json::object(), names = json::object();
  for (auto [kind, count] : enumerate(loop.classes))
    if (count)
      classes[cubin::className(OpClass(kind)).str()] = count;
  for (const auto &[name, count] : loop.names)
    names[name] = count;
  json result = {{"begin", loop.begin},
                 {"instructions", loop.instructions},
                 {"stall", loop.stall},
                 {"density", loop.density()},
                 {"classes", classes},
                 {"operations", names},
                 {"sync", loop.count(OpClass::Sync)},
                 {"r2ur", loop.count("R2UR")},
                 {"tensor_cycles", loop.tensorCycles}};
  if (loop.tensorCycles > 0) {
    result["issue_share"] = loop.issueShare();
    result["stall_share"] = loop.stallShare();
  }
  return result;
}

static json kernelJson(const perf::GpuKernel &kernel) {
  json result = {{"registers", kernel.needs.registers},
                 {"stack_bytes", kernel.stackBytes},
                 {"spills", kernel.spills},
                 {"shared_bytes", kernel.needs.sharedBytes},
                 {"threads", kernel.needs.threads},
                 {"blocks", kernel.occupancy.blocks},
                 {"limit", kernel.occupancy.limit.str()},
                 {"code_bytes", kernel.codeBytes}};
  if (const perf::GpuLoop *main = kernel.mainLoop())
    result["loop"] = loopJson(*main);
  json loops = json::array();
  for (const perf::GpuLoop &loop : kernel.loops)
    loops.push_back(loopJson(loop));
  result["loops"] = loops;
  return result;
}

static json batchJson(const GpuBatch &batch) {
  const perf::GpuTraffic &traffic = batch.traffic;
  json products = json::object();
  for (const perf::TiledProduct &product : traffic.products)
    products[product.weights] = {
        {"kernel", product.kernel},   {"tile", product.tile},
        {"rows", product.rows},       {"tiles", product.tiles},
        {"padding", product.padding}, {"busy", product.busy}};
  return {{"experts", batch.load.active()},
          {"launches", traffic.launches},
          {"pass_bytes", traffic.passBytes},
          {"fused_bytes", traffic.fusedBytes},
          {"unfused_bytes", traffic.unfusedBytes},
          {"cache_bytes", traffic.cacheBytes},
          {"memory_bytes", traffic.memoryBytes},
          {"memory_share", traffic.memoryBytes / traffic.leastBytes},
          {"products", products}};
}

json gpuReportJson(const GpuReport &report) {
  json kernels = json::object(), layers = json::object(),
       rivals = json::array(), launches = json::array(),
       streams = json::array();
  for (const perf::GpuKernel &kernel : report.kernels)
    kernels[kernel.name] = kernelJson(kernel);
  for (const GpuLayer &layer : report.layers) {
    json &entry = layers[layer.names];
    for (const GpuBatch &batch : layer.batches)
      entry[fmt::format("T={}", batch.load.tokens)] = batchJson(batch);
    for (const GpuStream &stream : layer.streams)
      entry["streams"][stream.kernel] = {
          {"weights", stream.weights},
          {"tile", stream.tile},
          {"instructions_per_kib", stream.figures.instructionsPerKib},
          {"flight_bytes", stream.figures.flightBytes}};
  }
  for (const GpuRival &rival : gpuRivals(report.chipName))
    rivals.push_back({{"engine", rival.engine.str()},
                      {"tile", rival.tile.str()},
                      {"instructions", rival.instructions},
                      {"stall", rival.stall},
                      {"tensor_cycles", rival.tensorCycles}});
  for (const GpuLaunchRival &rival : gpuLaunchRivals())
    launches.push_back({{"engine", rival.engine.str()},
                        {"decode", rival.decode},
                        {"prefill", rival.prefill}});
  for (const GpuStreamRival &rival : gpuStreamRivals())
    streams.push_back(
        {{"engine", rival.engine.str()},
         {"instructions_per_kib",
          {rival.leastInstructions, rival.mostInstructions}},
         {"flight_bytes", {rival.leastKib * 1024, rival.mostKib * 1024}}});
  return {{"bundle", report.bundle},
          {"chip", report.chipName},
          {"board", report.chip.board.str()},
          {"kernels", kernels},
          {"layers", layers},
          {"rivals", rivals},
          {"rival_launches", launches},
          {"rival_streams", streams},
          {"instructions_per_kib", report.chip.instructionsPerKib}};
}

/// Adds the numbers below `value`, whose path is `path`.
static void addFigures(const json &value, const std::string &path,
                       std::vector<GpuFigure> &figures) {
  if (value.is_number())
    figures.push_back({path, value.get<double>()});
  for (const auto &[key, member] : value.items())
    if (value.is_object())
      addFigures(member, path.empty() ? key : fmt::format("{}/{}", path, key),
                 figures);
}

std::vector<GpuFigure> gpuFigures(const GpuReport &report) {
  json document = gpuReportJson(report);
  std::vector<GpuFigure> figures;
  addFigures(document["kernels"], "", figures);
  addFigures(document["layers"], "", figures);
  return figures;
}

} // namespace moec::driver

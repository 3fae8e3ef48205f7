//===- Explanation.cpp - Why a bundle takes its time ----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As text and as JSON.
//
//===----------------------------------------------------------------------===//

#include "Explanation.h"
#include "Facts.h"
#include "ModelInput.h"
#include "Table.h"
#include "moec/Codegen/CPU/PanelWork.h"
#include "moec/Target/Bundle.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <nlohmann/json.hpp>

using namespace llvm;
using nlohmann::json;

namespace moec::driver {

Expected<std::vector<perf::LayerCost>> readCosts(StringRef bundle) {
  Expected<Manifest> manifest = readManifest(bundle);
  if (!manifest)
    return manifest.takeError();
  SmallString<128> path(bundle);
  sys::path::append(path, kScheduleFileName);
  if (!sys::fs::exists(path))
    return inputError("{} has no {}, which tells how its code was made; "
                      "compile the model again",
                      printable(bundle), kScheduleFileName);
  std::unique_ptr<mlir::MLIRContext> context = createContext();
  auto schedule = mlir::parseSourceFile<mlir::ModuleOp>(path, context.get());
  if (!schedule)
    return inputError("{} is not a valid module; compile the model again",
                      printable(path));
  std::vector<perf::LayerCost> costs;
  for (const ManifestLayer &layer : manifest->layers) {
    Expected<perf::LayerCost> cost = perf::layerCost(*schedule, layer);
    if (!cost)
      return cost.takeError();
    costs.push_back(std::move(*cost));
  }
  return costs;
}

std::string formatQuantity(double value) {
  constexpr const char *units[] = {"", " k", " M", " G", " T", " P"};
  size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < std::size(units); ++unit)
    value /= 1000;
  return fmt::format("{:.{}f}{}", value, value < 9.95 && unit ? 1 : 0,
                     units[unit]);
}

std::string formatTime(double seconds) {
  return seconds < 1e-3 ? fmt::format("{:.0f} us", seconds * 1e6)
                        : fmt::format("{:.2f} ms", seconds * 1e3);
}

std::vector<std::pair<RowLoops, double>>
alternatives(const perf::Product &product, const CpuTarget &target,
             int64_t rows) {
  std::vector<std::pair<RowLoops, double>> ways;
  for (const RowLoops &loops : candidateLoops(product.panel))
    ways.push_back(
        {loops, panelCost(product.panel, target, rows, loops).total});
  llvm::sort(ways, less_second());
  return ways;
}

/// The order of the work by rows, and what else there was at the first number
/// of rows of each range.
static std::string strategyTable(const Console &console,
                                 const perf::LayerCost &cost,
                                 const CpuTarget &target) {
  Table table({"product", "tile", ">from rows", "strategy", ">cycles a panel",
               "next best"});
  for (const perf::Product &product : cost.products)
    for (const RangeChoice &range : product.ranges) {
      double cycles =
          panelCost(product.panel, target, range.from, range.loops).total;
      std::string other;
      for (auto [loops, total] : alternatives(product, target, range.from))
        if (other.empty() && !(loops == range.loops))
          other = fmt::format("{} {}", inWords(loops), formatQuantity(total));
      table.addRow({product.weights, product.tile, std::to_string(range.from),
                    inWords(range.loops), formatQuantity(cycles), other});
    }
  return table.str(console);
}

static std::string productTable(const Console &console,
                                const perf::LayerCost &cost) {
  Table table({"product", "rows", ">columns", ">of", "weights", "arithmetic",
               ">bytes"});
  for (const perf::Product &product : cost.products)
    table.addRow(
        {product.weights, product.routed ? "routed" : "tokens",
         std::to_string(product.n), std::to_string(product.k), product.stored,
         perf::arithmeticName(product.arithmetic).str(),
         formatBytes(uint64_t(product.expertBytes)) +
             (product.experts > 1 ? fmt::format(" x {}", product.experts)
                                  : "")});
  return table.str(console);
}

static std::string batchTable(const Console &console,
                              const ExplainedLayer &layer) {
  bool measured = any_of(layer.batches, [](const ExplainedBatch &batch) {
    return batch.measured.has_value();
  });
  std::vector<std::string> columns = {">T", ">experts", ">rows each", ">flops",
                                      ">bytes"};
  if (layer.rates)
    columns.insert(columns.end(), {">at least", "bound by", ">predicted"});
  if (measured)
    columns.insert(columns.end(), {">measured", ">share"});
  Table table(columns);
  for (const ExplainedBatch &batch : layer.batches) {
    const perf::Load &load = batch.load;
    std::vector<std::string> row = {
        std::to_string(load.tokens), std::to_string(load.active()),
        fmt::format("{:.1f}", double(load.routed()) /
                                  double(std::max<int64_t>(1, load.active()))),
        formatQuantity(batch.work.flops),
        formatBytes(uint64_t(batch.work.bytes))};
    if (layer.rates)
      row.insert(row.end(),
                 {formatTime(batch.work.roofline(*layer.rates)),
                  batch.work.computeBound(*layer.rates) ? "compute" : "memory",
                  formatTime(batch.predicted)});
    if (batch.measured)
      row.insert(row.end(), {formatTime(batch.measured->median),
                             fmt::format("{:.0f} %",
                                         100 * batch.measured->rooflineRatio)});
    table.addRow(row);
  }
  return table.str(console);
}

std::string describeRates(const Explanation &explanation,
                          const ExplainedLayer &layer) {
  if (!layer.rates)
    return fmt::format("{} is another machine, whose times need --rates",
                       explanation.target.cpu);
  std::string team = explanation.threads
                         ? fmt::format("on {} of this machine, now",
                                       plural(explanation.threads, "thread"))
                         : std::string("on a machine of");
  return fmt::format("{} {}flop/s in {} and {}B/s from memory", team,
                     formatQuantity(layer.rates->peak),
                     perf::arithmeticName(layer.cost.mainProduct().arithmetic),
                     formatQuantity(layer.rates->read));
}

std::string explainText(const Console &console,
                        const Explanation &explanation) {
  std::string text;
  for (const ExplainedLayer &layer : explanation.layers)
    text += fmt::format(
        "{}{}: {} experts, {} of them for a token\n{}\n{}\n{}; {}\n{}\n{}",
        text.empty() ? "" : "\n", console.styled(Style::Bold, layer.names),
        layer.cost.experts, layer.cost.topK, productTable(console, layer.cost),
        strategyTable(console, layer.cost, explanation.target),
        describeRates(explanation, layer), explanation.routing,
        batchTable(console, layer), operationTable(console, layer));
  return text;
}

static json toJson(const perf::Product &product, const CpuTarget &target) {
  json ranges = json::array();
  for (const RangeChoice &range : product.ranges) {
    json ways = json::array();
    for (auto [loops, cycles] : alternatives(product, target, range.from))
      ways.push_back({{"strategy", inWords(loops)}, {"cycles", cycles}});
    ranges.push_back({{"from_rows", range.from},
                      {"strategy", inWords(range.loops)},
                      {"alternatives", std::move(ways)}});
  }
  return {{"weights", product.weights},
          {"stored", product.stored},
          {"arithmetic", perf::arithmeticName(product.arithmetic).str()},
          {"columns", product.n},
          {"depth", product.k},
          {"routed", product.routed},
          {"experts", product.experts},
          {"expert_bytes", product.expertBytes},
          {"tile", product.tile},
          {"panels", product.panels},
          {"ranges", std::move(ranges)}};
}

static json toJson(const ExplainedLayer &layer, const ExplainedBatch &batch) {
  json object = {{"tokens", batch.load.tokens},
                 {"active_experts", batch.load.active()},
                 {"routed_rows", batch.load.routed()},
                 {"rows_of_experts", batch.load.rows},
                 {"flops", batch.work.flops},
                 {"bytes", batch.work.bytes}};
  if (layer.rates) {
    object["least_ms"] = batch.work.roofline(*layer.rates) * 1e3;
    object["bound"] =
        batch.work.computeBound(*layer.rates) ? "compute" : "memory";
    object["predicted_ms"] = batch.predicted * 1e3;
  }
  if (batch.measured) {
    object["ms"] = batch.measured->median * 1e3;
    object["roofline_ratio"] = batch.measured->rooflineRatio;
    object["quiet"] = batch.measured->quiet;
  }
  object["operations"] = operationJson(layer, batch);
  return object;
}

std::string explainJson(const Explanation &explanation) {
  json layers = json::array();
  for (const ExplainedLayer &layer : explanation.layers) {
    json products = json::array(), batches = json::array();
    for (const perf::Product &product : layer.cost.products)
      products.push_back(toJson(product, explanation.target));
    for (const ExplainedBatch &batch : layer.batches)
      batches.push_back(toJson(layer, batch));
    json &object = layers.emplace_back(json{{"layers", layer.names},
                                            {"experts", layer.cost.experts},
                                            {"top_k", layer.cost.topK},
                                            {"products", std::move(products)},
                                            {"batches", std::move(batches)}});
    if (layer.rates) {
      object["peak_flops"] = layer.rates->peak;
      object["read_bytes"] = layer.rates->read;
    }
  }
  return json({{"bundle", explanation.bundle},
               {"cpu", explanation.target.cpu},
               {"threads", explanation.threads},
               {"routing", explanation.routing},
               {"layers", std::move(layers)}})
             .dump(2, ' ', false, json::error_handler_t::replace) +
         "\n";
}

} // namespace moec::driver

//===- ExplainPage.cpp - An explanation with figures ----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Explanation.h"
#include "moec/Codegen/CPU/PanelWork.h"
#include "moec/Report/Charts.h"
#include "moec/Support/Text.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace llvm;

namespace moec::driver {

using namespace report;

/// The power of `base` at or below (`up`: above) `value`.
static double power(double base, double value, bool up) {
  double exponent = std::log(value) / std::log(base);
  return std::pow(base, up ? std::ceil(exponent) : std::floor(exponent));
}

/// What can be computed for each byte read, and each batch on it.
static std::string drawRoofline(const ExplainedLayer &layer) {
  const perf::Rates &rates = *layer.rates;
  double ridge = rates.peak / rates.read;
  double low = ridge, high = ridge, slowest = rates.peak;
  Series bound{"at best", {}, {}, false, true};
  Series measured{"measured", {}, {}, false, true};
  for (const ExplainedBatch &batch : layer.batches) {
    double intensity = batch.work.flops / batch.work.bytes;
    low = std::min(low, intensity);
    high = std::max(high, intensity);
    bound.points.push_back(
        {intensity, batch.work.flops / batch.work.roofline(rates) * 1e-9});
    bound.labels.push_back(fmt::format("T={}", batch.load.tokens));
    slowest = std::min(slowest, batch.work.flops / batch.work.roofline(rates));
    if (!batch.measured)
      continue;
    double reached = batch.work.flops / batch.measured->median;
    slowest = std::min(slowest, reached);
    measured.points.push_back({intensity, reached * 1e-9});
  }
  double left = power(2, low / 1.5, false), right = power(2, high * 1.5, true);
  double bottom = power(10, std::min(slowest, left * rates.read) * 1e-9, false);
  Chart chart{
      "Roofline: what memory and the multipliers allow",
      Axis::powers("multiplications and additions for each byte", 2, left,
                   right),
      Axis::powers("GFLOP/s", 10, bottom, power(10, rates.peak * 1e-9, true)),
      {}};
  chart.series.push_back({"the limit",
                          {{left, left * rates.read * 1e-9},
                           {ridge, rates.peak * 1e-9},
                           {right, rates.peak * 1e-9}},
                          {},
                          true,
                          false});
  chart.series.push_back(std::move(bound));
  if (!measured.points.empty())
    chart.series.push_back(std::move(measured));
  return drawChart(chart);
}

/// In which order a product is worked on, by the number of tokens. An expert
/// has T * K / E rows on average, but at least one.
static BandRow bandsOf(const perf::LayerCost &cost,
                       const perf::Product &product, const Axis &axis) {
  BandRow row{product.weights, {}};
  double share = product.routed ? double(cost.topK) / double(cost.experts) : 1;
  for (size_t i = 0; i < product.ranges.size(); ++i) {
    auto begin = [&](size_t range) {
      return range ? double(product.ranges[range].from) / share : axis.from;
    };
    double from = begin(i);
    double to = i + 1 < product.ranges.size() ? begin(i + 1) : axis.to;
    to = std::min(to, axis.to);
    if (from < to)
      row.bands.push_back({from, to,
                           fmt::format("{}: {}", product.tile,
                                       inWords(product.ranges[i].loops))});
  }
  return row;
}

static std::string drawStrategies(const ExplainedLayer &layer) {
  double most = 2;
  for (const ExplainedBatch &batch : layer.batches)
    most = std::max(most, double(batch.load.tokens));
  Axis axis = Axis::powers("tokens, if experts are chosen equally often", 2, 1,
                           power(2, most, true));
  std::vector<BandRow> rows;
  for (const perf::Product &product : layer.cost.products)
    rows.push_back(bandsOf(layer.cost, product, axis));
  return drawBands("Strategies", axis, rows);
}

static std::string drawLoads(const Explanation &explanation,
                             const ExplainedLayer &layer) {
  std::vector<HeatRow> rows;
  for (const ExplainedBatch &batch : layer.batches)
    rows.push_back({fmt::format("T = {}", batch.load.tokens),
                    {batch.load.rows.begin(), batch.load.rows.end()}});
  return drawHeatMap(
      fmt::format("Rows of each expert, {}", explanation.routing), "rows",
      rows);
}

static std::string productTable(const perf::LayerCost &cost) {
  std::vector<std::vector<std::string>> rows = {
      {"product", "rows", "size", "weights", "arithmetic", "bytes"}};
  for (const perf::Product &product : cost.products)
    rows.push_back(
        {product.weights, product.routed ? "routed" : "tokens",
         fmt::format("{} x {}", product.n, product.k), product.stored,
         perf::arithmeticName(product.arithmetic).str(),
         formatBytes(uint64_t(product.expertBytes)) +
             (product.experts > 1 ? fmt::format(" x {}", product.experts)
                                  : "")});
  return htmlTable(rows);
}

static std::string batchTable(const ExplainedLayer &layer) {
  std::vector<std::vector<std::string>> rows = {
      {"T", "experts", "flops", "bytes", "at least", "bound by", "predicted",
       "measured", "share"}};
  for (const ExplainedBatch &batch : layer.batches)
    rows.push_back(
        {std::to_string(batch.load.tokens), std::to_string(batch.load.active()),
         formatQuantity(batch.work.flops),
         formatBytes(uint64_t(batch.work.bytes)),
         layer.rates ? formatTime(batch.work.roofline(*layer.rates)) : "",
         !layer.rates                            ? ""
         : batch.work.computeBound(*layer.rates) ? "compute"
                                                 : "memory",
         layer.rates ? formatTime(batch.predicted) : "",
         batch.measured ? formatTime(batch.measured->median) : "",
         batch.measured
             ? fmt::format("{:.0f} %", 100 * batch.measured->rooflineRatio)
             : ""});
  return htmlTable(rows);
}

std::string explainPage(const Explanation &explanation) {
  std::string body;
  for (const ExplainedLayer &layer : explanation.layers) {
    body += fmt::format(
        "<h2>{}</h2>\n<p>{} experts, {} of them for a token. Compiled for {}; "
        "times: {}.</p>\n",
        escapeXml(layer.names), layer.cost.experts, layer.cost.topK,
        escapeXml(explanation.target.cpu),
        escapeXml(describeRates(explanation, layer)));
    body += productTable(layer.cost) + drawStrategies(layer);
    if (layer.batches.empty())
      continue;
    if (layer.rates)
      body += drawRoofline(layer);
    body += batchTable(layer) + operationPage(layer) +
            drawLoads(explanation, layer);
  }
  return htmlPage("moec explain " + explanation.bundle, body);
}

} // namespace moec::driver

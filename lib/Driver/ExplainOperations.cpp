//===- ExplainOperations.cpp - Which operation takes how long -------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operations of a layer are its kernel's stages, each between two barriers:
// what the cost model expects of them beside what they take.
//
//===----------------------------------------------------------------------===//

#include "Explanation.h"
#include "Table.h"
#include "moec/Report/Charts.h"
#include "moec/Support/Text.h"

#include <nlohmann/json.hpp>

using namespace llvm;
using nlohmann::json;

namespace moec::driver {

double ExplainedBatch::measuredOperations() const {
  double sum = 0;
  for (const ExplainedOperation &operation : operations)
    sum += operation.measured ? operation.measured->seconds : 0;
  return sum;
}

void addBatch(ExplainedLayer &layer, const CpuTarget &target, perf::Load load) {
  // The peak tells how many cycles there are in a second, on all cores.
  double flopsOfCycle =
      2 *
      double(target.lanes *
             perf::productsOfLane(layer.cost.mainProduct().arithmetic)) *
      target.multipliesPerCycle;
  ExplainedBatch batch;
  batch.work = layer.cost.work(load);
  auto predict = [&](const perf::Product &product) {
    return layer.rates ? product.predictCycles(load, target) * flopsOfCycle /
                             layer.rates->peak
                       : 0;
  };
  for (const perf::Product &product : layer.cost.products)
    batch.predicted += predict(product);
  for (const std::string &stage : layer.stages) {
    ExplainedOperation &operation = batch.operations.emplace_back();
    operation.name = stage;
    auto product = find_if(layer.cost.products, [&](const auto &product) {
      return stage == fmt::format("weight {}", product.weight);
    });
    if (product == layer.cost.products.end())
      continue;
    operation.name = product->weights;
    operation.work = product->work(load);
    operation.predicted = predict(*product);
  }
  batch.load = std::move(load);
  layer.batches.push_back(std::move(batch));
}

void addMeasured(ExplainedBatch &batch,
                 ArrayRef<std::vector<moec_stage_time>> calls) {
  for (auto [i, operation] : enumerate(batch.operations)) {
    auto median = [&, i = i](double moec_stage_time::*member) {
      std::vector<double> values;
      for (const std::vector<moec_stage_time> &call : calls)
        values.push_back(call[i].*member);
      return perf::quantile(std::move(values), 0.5);
    };
    operation.measured = {median(&moec_stage_time::seconds),
                          median(&moec_stage_time::waiting)};
  }
}

static std::string percent(double part, double whole) {
  return whole > 0 ? fmt::format("{:.0f} %", 100 * part / whole) : "";
}

/// One row of a table: what is known and where, for all columns.
static std::vector<std::string> rowOf(const ExplainedLayer &layer,
                                      const ExplainedBatch &batch,
                                      const ExplainedOperation &operation) {
  std::vector<std::string> row = {std::to_string(batch.load.tokens),
                                  operation.name};
  row.resize(8);
  if (operation.work) {
    row[2] = formatQuantity(operation.work->flops);
    row[3] = formatBytes(uint64_t(operation.work->bytes));
  }
  if (operation.work && layer.rates) {
    row[4] = formatTime(operation.work->roofline(*layer.rates));
    row[5] = operation.work->computeBound(*layer.rates) ? "compute" : "memory";
    row[6] = formatTime(operation.predicted);
    row[7] = percent(operation.predicted, batch.predicted);
  }
  if (operation.measured)
    row.insert(
        row.end(),
        {formatTime(operation.measured->seconds),
         percent(operation.measured->seconds, batch.measuredOperations()),
         percent(operation.measured->waiting, operation.measured->seconds)});
  return row;
}

/// The heading and a row for each operation of which anything is known.
static std::vector<std::vector<std::string>>
operationRows(const ExplainedLayer &layer) {
  std::vector<std::vector<std::string>> rows = {
      {">T", "operation", ">flops", ">bytes", ">at least", "bound by",
       ">predicted", ">share", ">measured", ">share", ">waiting"}};
  bool measured = false;
  for (const ExplainedBatch &batch : layer.batches)
    for (const ExplainedOperation &operation : batch.operations) {
      measured |= operation.measured.has_value();
      if (operation.work || operation.measured)
        rows.push_back(rowOf(layer, batch, operation));
    }
  constexpr size_t measuredColumns = 3;
  if (!measured)
    rows[0].resize(rows[0].size() - measuredColumns);
  return rows;
}

std::string operationTable(const Console &console,
                           const ExplainedLayer &layer) {
  std::vector<std::vector<std::string>> rows = operationRows(layer);
  Table table(rows[0]);
  for (std::vector<std::string> &row : drop_begin(rows))
    table.addRow(std::move(row));
  return table.str(console);
}

/// Where the time of a batch goes, as shares of all of it.
static report::BandRow
shareBands(StringRef name, const ExplainedBatch &batch,
           function_ref<double(const ExplainedOperation &)> seconds) {
  report::BandRow row{fmt::format("T = {}, {}", batch.load.tokens, name), {}};
  double sum = 0;
  for (const ExplainedOperation &operation : batch.operations)
    sum += seconds(operation);
  double from = 0;
  for (const ExplainedOperation &operation : batch.operations) {
    double to = from + (sum > 0 ? 100 * seconds(operation) / sum : 0);
    if (to > from)
      row.bands.push_back({from, to, operation.name});
    from = to;
  }
  return row;
}

std::string operationPage(const ExplainedLayer &layer) {
  std::vector<report::BandRow> bands;
  for (const ExplainedBatch &batch : layer.batches) {
    if (layer.rates)
      bands.push_back(shareBands("predicted", batch, [](const auto &operation) {
        return operation.predicted;
      }));
    if (batch.measured)
      bands.push_back(shareBands("measured", batch, [](const auto &operation) {
        return operation.measured ? operation.measured->seconds : 0;
      }));
  }
  std::vector<std::vector<std::string>> rows = operationRows(layer);
  for (std::string &name : rows[0])
    name.erase(0, name.starts_with('>'));
  std::string figure;
  if (!bands.empty())
    figure = report::drawBands("Where the time goes",
                               report::Axis::steps("% of a call", 20, 0, 100),
                               bands);
  return figure + report::htmlTable(rows);
}

json operationJson(const ExplainedLayer &layer, const ExplainedBatch &batch) {
  json list = json::array();
  for (const ExplainedOperation &operation : batch.operations) {
    json &object = list.emplace_back(json{{"operation", operation.name}});
    if (operation.work) {
      object["flops"] = operation.work->flops;
      object["bytes"] = operation.work->bytes;
    }
    if (operation.work && layer.rates) {
      object["least_ms"] = operation.work->roofline(*layer.rates) * 1e3;
      object["predicted_ms"] = operation.predicted * 1e3;
    }
    if (operation.measured) {
      object["ms"] = operation.measured->seconds * 1e3;
      object["waiting_ms"] = operation.measured->waiting * 1e3;
    }
  }
  return list;
}

} // namespace moec::driver

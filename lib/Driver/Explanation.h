//===- Explanation.h - Why a bundle takes its time --------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What moec explain knows of a bundle, and the forms in which it says so.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_EXPLANATION_H
#define MOEC_LIB_DRIVER_EXPLANATION_H

#include "Console.h"
#include "Session.h"
#include "moec/Performance/LayerCost.h"
#include "moec/Performance/Measure.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>

namespace moec::driver {

/// The costs of all layers of a bundle, as its manifest has them.
llvm::Expected<std::vector<perf::LayerCost>> readCosts(llvm::StringRef bundle);

/// What a layer does between two barriers.
struct ExplainedOperation {
  /// The weights of a product as in perf::Product, else what is done: "router".
  std::string name;
  /// Of a product.
  std::optional<perf::Work> work;
  /// By the compiler's cost model, in seconds: of a product, where rates are
  /// known; 0 of all else.
  double predicted = 0;
  /// The medians of calls.
  std::optional<moec_stage_time> measured;
};

/// One number of tokens.
struct ExplainedBatch {
  perf::Load load;
  perf::Work work;
  /// By the compiler's cost model, in seconds; 0 where rates are not known.
  double predicted = 0;
  std::optional<perf::Timing> measured;
  /// In the order in which they run.
  std::vector<ExplainedOperation> operations;

  /// The sum over all operations; 0 if they are not measured.
  double measuredOperations() const;
};

/// Layers that share a kernel and so cost the same.
struct ExplainedLayer {
  /// "layers.0-47".
  std::string names;
  perf::LayerCost cost;
  /// "stages" of its kernel in the manifest.
  std::vector<std::string> stages;
  /// Of the machine that is to run the layer, for its arithmetic.
  std::optional<perf::Rates> rates;
  std::vector<ExplainedBatch> batches;
};

struct Explanation {
  /// As the user named it.
  std::string bundle;
  /// What it was compiled for.
  CpuTarget target;
  /// The team whose rates were measured; 0 if none were.
  int32_t threads = 0;
  /// In words, where tokens go.
  std::string routing;
  std::vector<ExplainedLayer> layers;
};

/// What the cost model chose between for a product's experts with `rows` rows,
/// with the cycles of a panel, the cheapest first.
std::vector<std::pair<RowLoops, double>>
alternatives(const perf::Product &product, const CpuTarget &target,
             int64_t rows);

/// Adds a batch with the predictions of `layer`'s products on `target`.
void addBatch(ExplainedLayer &layer, const CpuTarget &target, perf::Load load);

/// Gives the operations of `batch` the medians over `calls`, each of which has
/// a time for each operation.
void addMeasured(ExplainedBatch &batch,
                 llvm::ArrayRef<std::vector<moec_stage_time>> calls);

/// What each operation of each batch has to do and takes.
std::string operationTable(const Console &console, const ExplainedLayer &layer);
std::string operationPage(const ExplainedLayer &layer);
nlohmann::json operationJson(const ExplainedLayer &layer,
                             const ExplainedBatch &batch);

/// At which rates times were found, in words.
std::string describeRates(const Explanation &explanation,
                          const ExplainedLayer &layer);
std::string explainText(const Console &console, const Explanation &explanation);
std::string explainJson(const Explanation &explanation);
/// A self-contained page with figures.
std::string explainPage(const Explanation &explanation);

/// "0.5 M", with a unit for 1000 to the n-th: small and large numbers alike.
std::string formatQuantity(double value);
/// "12 us", "1.35 ms".
std::string formatTime(double seconds);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_EXPLANATION_H

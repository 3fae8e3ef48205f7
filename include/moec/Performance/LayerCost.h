//===- LayerCost.h - What a compiled layer has to do ------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Read from what the compiler left in a bundle: the scheduled module that the
// code was made from, and the manifest, which has the sizes of packed weights.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_PERFORMANCE_LAYERCOST_H
#define MOEC_PERFORMANCE_LAYERCOST_H

#include "moec/Codegen/CPU/CostModel.h"
#include "moec/Performance/Roofline.h"
#include "moec/Runtime/Manifest.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <array>
#include <vector>

namespace moec::perf {

/// The tokens of a call and where they go.
struct Load {
  int64_t tokens = 0;
  /// Rows of each expert.
  std::vector<int64_t> rows;

  /// (token, expert) pairs.
  int64_t routed() const;
  /// Experts with at least one row.
  int64_t active() const;

  /// The load of `ids`, [tokens, K]; what is no expert counts nowhere.
  static Load of(llvm::ArrayRef<int32_t> ids, int64_t tokens, int64_t experts);
};

/// A block's tile on a GPU: rows of packed weights and tokens. Tokens that do
/// not fill it take the least of half of it, a quarter, ..., `leastTokens` that
/// holds them.
struct GpuTile {
  int64_t rows = 0, tokens = 0, leastTokens = 0;
  /// Elements of K in a stage, and stages.
  int64_t depth = 0, stages = 0;
  /// Blocks that share its weights, each with its own tokens.
  int64_t cluster = 1;
  /// Bytes of a weight as it is read, without its scale, and multiply-adds for
  /// each weight and token, with those that take off what codes are too large.
  double weightBytes = 2, productsOfWeight = 1;

  /// Of all blocks that share the weights.
  int64_t clusterTokens() const { return tokens * cluster; }
  /// Tokens that tiles with `rows` rows have room for.
  int64_t paddedRows(int64_t rows) const;
};

/// Rows times weights, the only work that counts in a layer.
struct Product {
  /// The names of its weights without those of layers: "w1+w3".
  std::string weights;
  /// The number of its matrices among the manifest's weights of the layer; -1
  /// if they are none of them.
  int64_t weight = -1;
  /// What is multiplied, and how the weights are stored.
  Arithmetic arithmetic = Arithmetic::F32;
  std::string stored;
  /// Columns of its result, weights side by side, and of its rows.
  int64_t n = 0, k = 0;
  /// Its rows are (token, expert) pairs that the router chose, else tokens.
  bool routed = false;
  /// Experts of which it has weights; 1 if it has one matrix.
  int64_t experts = 1;
  /// Of one expert: packed weights, their scales and biases.
  double expertBytes = 0;
  /// How it runs: its tile ("6 x 64"), a panel of its weights and their number
  /// for an expert, and the order of the work by an expert's rows, rising from
  /// one row.
  std::string tile;
  PanelWork panel;
  int64_t panels = 0;
  std::vector<RangeChoice> ranges;
  /// On a GPU: the tiles in calls of few tokens, of some and in all others,
  /// with no rows if the product is none of tiles, and bytes of a number that
  /// is multiplied.
  GpuTile fewTile, someTile, manyTile;
  std::array<GpuTile *, 3> tiles() { return {&fewTile, &someTile, &manyTile}; }
  int64_t numberBytes = 4;

  Work work(const Load &load) const;
  /// The order in which an expert with `rows` rows is worked on.
  const RowLoops &loopsFor(int64_t rows) const;
  /// In words, with the tile.
  std::string strategyFor(int64_t rows) const;
  /// Cycles that one core takes, or several together, if experts of `load` are
  /// worked on in the chosen order; as the compiler's cost model predicts.
  double predictCycles(const Load &load, const CpuTarget &target) const;
};

/// A layer's products in the order in which they run.
struct LayerCost {
  std::string name;
  int64_t experts = 0, topK = 0, hidden = 0;
  std::vector<Product> products;

  Work work(const Load &load) const;
  /// The first product of the routed experts, which stands for the layer where
  /// one has to: its arithmetic's peak bounds the layer.
  const Product &mainProduct() const;
};

/// The costs of layer `layer` of `manifest`; `schedule` is the scheduled module
/// of the same bundle. Fails if the two do not belong together.
llvm::Expected<LayerCost> layerCost(mlir::ModuleOp schedule,
                                    const ManifestLayer &layer);

} // namespace moec::perf

#endif // MOEC_PERFORMANCE_LAYERCOST_H

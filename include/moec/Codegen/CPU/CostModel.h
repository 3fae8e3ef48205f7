//===- CostModel.h - What a product costs on a CPU --------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Predicts how long an expert's rows take on one panel of its weights, for each
// way to order the work, and chooses the ways by the number of rows. Nothing
// here looks at IR, so `moec explain` and tests can ask the same questions as
// the compiler. docs/cpu.md derives the formulas.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_CODEGEN_CPU_COSTMODEL_H
#define MOEC_CODEGEN_CPU_COSTMODEL_H

#include "moec/Codegen/CPU/CpuTarget.h"

#include <vector>

namespace moec {

/// The work of one panel, in the units of the tile that runs it.
struct PanelWork {
  /// Rows of a tile, and vectors of accumulators for each row.
  int64_t tileRows = 1, vectors = 1;
  /// Steps of K in a panel, in one iteration of the innermost loop, and bytes
  /// of weights in a step.
  int64_t steps = 1, unroll = 1, stepBytes = 1;
  /// Instructions of a row in a step: its products, and what broadcasts its
  /// elements unless the products do.
  int64_t rowInstructions = 2;
  /// Vector instructions that decode the weights of a step, and bytes of what
  /// they make of it.
  double decodeInstructions = 0;
  int64_t decodedBytes = 0;
  /// Groups of K with scales of their own, and what each takes of
  /// multiplications for an accumulator: by the scale, and by zeros.
  int64_t scaledGroups = 0;
  double groupProducts = 1;
};

/// A way to run the rows of an expert over its panels: #moe.cpu_range without
/// the rows it begins at. `chunk` is in steps, 0 for all of K.
struct RowLoops {
  int64_t chunk = 0;
  bool ahead = false, decode = false;

  bool operator==(const RowLoops &) const = default;
};

/// What a way costs, in cycles of one core for one panel.
struct PanelCost {
  /// Multiplying alone, reading the panel from memory alone, and the whole,
  /// with what of the two does not overlap.
  double multiply = 0, read = 0, total = 0;
};

/// The cost of `rows` rows on one panel in memory, run in the way `loops`.
PanelCost panelCost(const PanelWork &work, const CpuTarget &target,
                    int64_t rows, const RowLoops &loops);

/// Every way that makes sense for the panel, the simplest first.
std::vector<RowLoops> candidateLoops(const PanelWork &work);

/// The best way for experts of `from` rows or more, up to the next choice.
struct RangeChoice {
  int64_t from = 1;
  RowLoops loops;
};

/// The best ways for 1 row and more; the first begins at 1. A more complicated
/// way is taken where it saves more than one cycle in a hundred.
std::vector<RangeChoice> chooseRanges(const PanelWork &work,
                                      const CpuTarget &target);

} // namespace moec

#endif // MOEC_CODEGEN_CPU_COSTMODEL_H

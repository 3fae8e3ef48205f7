//===- CostModel.cpp - What a product costs on a CPU ----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The model counts multiplications, instructions that decode, and bytes, and
// says how far they overlap:
//
// * Without looking ahead, the first pass over a panel reads it from memory
//   while it multiplies; the further passes find it in a cache. Reads are under
//   way as far ahead as the core has instructions under way: few rows' steps
//   are short, and it reads as fast as it can, many rows' hold it up.
// * Looking ahead, all passes find their panel in a cache and fetch the next
//   one meanwhile, at the lower rate that fetching by instructions sustains.
// * Each pass decodes encoded weights again, or one decodes for all.
//
//===----------------------------------------------------------------------===//

#include "moec/Codegen/CPU/CostModel.h"

#include <algorithm>
#include <cmath>

namespace moec {

/// The part of the second cache that panels may take: rows and results pass
/// through it too.
static constexpr double panelShare = 0.75;
/// What a pass costs besides its steps, in cycles: a call, and filling and
/// draining the multipliers.
static constexpr double passOverhead = 60;
/// The most bytes that one load brings.
static constexpr double registerBytes = 64;
/// Of the sums of a group: what they begin with, converting them, and the
/// product.
static constexpr double instructionsOfScaling = 3;
/// A way has to save this part of the cost to be worth its complication.
static constexpr double worthwhile = 0.01;
/// The same of decoding first, which takes a second set of tiles.
static constexpr double worthwhileToDecode = 0.05;

namespace {

/// One way to run an expert's rows on a panel, taken apart.
struct PanelPasses {
  const PanelWork &work;
  const CpuTarget &target;
  const RowLoops &loops;
  /// Passes over the panel that multiply, and rows of each.
  const double passes, rowsPerPass;
  const double steps = double(work.steps), vectors = double(work.vectors);
  const double stepBytes = double(work.stepBytes), bytes = steps * stepBytes;
  const double chunk = double(loops.chunk ? loops.chunk : work.steps);
  const double chunks = std::ceil(steps / chunk);

  PanelPasses(const PanelWork &work, const CpuTarget &target,
              const RowLoops &loops, int64_t rows)
      : work(work), target(target), loops(loops),
        passes(std::ceil(double(rows) / double(work.tileRows))),
        rowsPerPass(double(rows) / passes) {}

  /// Accumulators of a pass.
  double accumulators() const { return rowsPerPass * vectors; }

  /// Units that do not multiply take the other instructions meanwhile, and are
  /// as many as those that do.
  double instructionCycles(double products, double others) const {
    return std::max(products, (products + others) / 2) /
           target.multipliesPerCycle;
  }

  /// A pass that multiplies. A step adds to every accumulator once, so it takes
  /// the latency at least; between chunks the accumulators go to memory and
  /// come back.
  double multiply() const {
    double step =
        std::max(instructionCycles(accumulators(),
                                   loops.decode ? 0 : work.decodeInstructions),
                 target.multiplyLatency);
    double scaling = double(work.scaledGroups) * work.groupProducts *
                     accumulators() / target.multipliesPerCycle;
    return steps * step + chunks * passOverhead +
           2 * (chunks - 1) * accumulators() + scaling;
  }

  /// A pass that decodes for all others, and stores.
  double decode() const {
    double step = instructionCycles(0, work.decodeInstructions) + vectors;
    return steps * step + chunks * passOverhead;
  }

  /// Instructions in a step of the pass that reads the panel.
  double readingInstructions() const {
    double loads = std::ceil(stepBytes / registerBytes);
    double scaling =
        instructionsOfScaling * vectors * double(work.scaledGroups) / steps;
    double rest = loops.decode
                      ? vectors
                      : rowsPerPass * (double(work.rowInstructions) + scaling);
    return rest + loads + work.decodeInstructions;
  }

  /// Reading the panel from memory as one stream: loads are under way as far
  /// ahead as instructions are.
  double read() const {
    double stepsUnderWay = double(target.reorderWindow) / readingInstructions();
    return bytes / std::min(target.readRate,
                            stepsUnderWay * stepBytes / target.memoryLatency);
  }

  /// What a pass after the one that reads needs to have the panel, or what was
  /// decoded of it, from the third cache; 0 if the second one holds it.
  double readAgain() const {
    double decoded = loops.decode ? double(work.decodedBytes) : 0;
    double held = chunk * (stepBytes * (loops.ahead ? 2 : 1) + decoded);
    if (held <= panelShare * double(target.l2Bytes))
      return 0;
    return steps * std::max(stepBytes, decoded) / target.l3Rate;
  }
};

} // namespace

PanelCost panelCost(const PanelWork &work, const CpuTarget &target,
                    int64_t rows, const RowLoops &loops) {
  PanelPasses way(work, target, loops, rows);
  double pass = way.multiply(), again = way.readAgain();
  // The pass that reads is one that decodes, or the first that multiplies.
  double first = loops.decode ? way.decode() : pass;
  double further = loops.decode ? way.passes : way.passes - 1;
  double others = further * std::max(pass, again);

  PanelCost cost;
  cost.multiply = first + further * pass;
  cost.read = way.read();
  cost.total = loops.ahead ? std::max(std::max(first, again) + others,
                                      way.bytes / target.fetchRate)
                           : std::max(first, cost.read) + others;
  return cost;
}

std::vector<RowLoops> candidateLoops(const PanelWork &work) {
  std::vector<RowLoops> candidates;
  for (bool decode : {false, true})
    for (bool ahead : {false, true}) {
      if (decode && work.decodeInstructions == 0)
        continue;
      candidates.push_back({0, ahead, decode});
      // Halves, quarters, ... of K in whole iterations, down to one that is
      // short against what a pass costs.
      constexpr int64_t leastSteps = 64;
      for (int64_t parts = 2; work.steps / parts >= leastSteps; parts *= 2) {
        int64_t iterations = (work.steps / work.unroll + parts - 1) / parts;
        candidates.push_back({iterations * work.unroll, ahead, decode});
      }
    }
  return candidates;
}

std::vector<RangeChoice> chooseRanges(const PanelWork &work,
                                      const CpuTarget &target) {
  std::vector<RowLoops> candidates = candidateLoops(work);
  std::vector<RangeChoice> choices;
  // From some number of passes on nothing changes but their number.
  constexpr int64_t mostPasses = 64;
  for (int64_t rows = 1; rows <= mostPasses * work.tileRows; ++rows) {
    auto total = [&](const RowLoops &loops) {
      return panelCost(work, target, rows, loops).total;
    };
    RowLoops best = choices.empty() ? candidates[0] : choices.back().loops;
    for (const RowLoops &candidate : candidates) {
      bool complicates = candidate.decode && !best.decode;
      double least = complicates ? worthwhileToDecode : worthwhile;
      if (total(candidate) < (1 - least) * total(best))
        best = candidate;
    }
    if (choices.empty() || !(choices.back().loops == best))
      choices.push_back({rows, best});
  }
  return choices;
}

} // namespace moec

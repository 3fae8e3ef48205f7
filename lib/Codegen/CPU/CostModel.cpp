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

/// The rate of reading a stream of steps of `instructions` each, `bytes` of it
/// in a step.
static double streamRate(const CpuTarget &target, double instructions,
                         double bytes) {
  double stepsUnderWay = double(target.reorderWindow) / instructions;
  return std::min(target.readRate,
                  stepsUnderWay * bytes / target.memoryLatency);
}

PanelCost panelCost(const PanelWork &work, const CpuTarget &target,
                    int64_t rows, const RowLoops &loops) {
  int64_t chunk = loops.chunk ? loops.chunk : work.steps;
  double passes = double((rows + work.tileRows - 1) / work.tileRows);
  double chunks = double((work.steps + chunk - 1) / chunk);
  double steps = double(work.steps), vectors = double(work.vectors);
  double stepBytes = double(work.stepBytes), bytes = steps * stepBytes;
  double rowsPerPass = double(rows) / passes, perPass = rowsPerPass * vectors;
  // Units that do not multiply decode meanwhile, and are as many as those that
  // do; a step adds to every accumulator once, so it takes the latency at
  // least.
  auto stepCycles = [&](double products, double others) {
    return std::max(products, (products + others) / 2) /
           target.multipliesPerCycle;
  };
  double step =
      std::max(stepCycles(perPass, loops.decode ? 0 : work.decodeInstructions),
               target.multiplyLatency);

  PanelCost cost;
  // Between chunks the accumulators go to memory and come back.
  double pass = steps * step + chunks * passOverhead +
                2 * (chunks - 1) * perPass +
                double(work.scaledGroups) * work.groupProducts * perPass /
                    target.multipliesPerCycle;
  // The pass that reads: one that decodes and stores, or the first that
  // multiplies.
  double loads = std::ceil(stepBytes / registerBytes);
  double first = pass;
  double instructions = rowsPerPass * (double(work.rowInstructions) +
                                       instructionsOfScaling * vectors *
                                           double(work.scaledGroups) / steps) +
                        loads + work.decodeInstructions;
  if (loops.decode) {
    first = steps * (stepCycles(0, work.decodeInstructions) + vectors) +
            chunks * passOverhead;
    instructions = vectors + loads + work.decodeInstructions;
  }
  double further = loops.decode ? passes : passes - 1;
  cost.multiply = first + further * pass;
  cost.read = bytes / streamRate(target, instructions, stepBytes);

  double decoded = loops.decode ? double(work.decodedBytes) : 0;
  double held = double(chunk) * (stepBytes * (loops.ahead ? 2 : 1) + decoded);
  bool fits = held <= panelShare * double(target.l2Bytes);
  double again =
      fits ? 0 : steps * std::max(stepBytes, decoded) / target.l3Rate;
  double others = further * std::max(pass, again);
  if (loops.ahead)
    cost.total =
        std::max(std::max(first, again) + others, bytes / target.fetchRate);
  else
    cost.total = std::max(first, cost.read) + others;
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

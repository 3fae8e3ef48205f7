//===- CostModel.cpp - What a product costs on a CPU ----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The model counts two things, multiplications and bytes, and says how far they
// overlap:
//
// * Without looking ahead, the first pass over a panel reads it from memory at
//   the rate of the hardware's own prefetching while it multiplies; the further
//   passes find it in a cache.
// * Looking ahead, all passes find their panel in a cache and fetch the next
//   one meanwhile, at the lower rate that fetching by instructions sustains.
//
//===----------------------------------------------------------------------===//

#include "moec/Codegen/CPU/CostModel.h"

#include <algorithm>

namespace moec {

/// The part of the second cache that panels may take: rows and results pass
/// through it too.
static constexpr double panelShare = 0.75;
/// What a pass costs besides its steps, in cycles: a call, and filling and
/// draining the multipliers.
static constexpr double passOverhead = 60;
/// A way has to save this part of the cost to be worth its complication.
static constexpr double worthwhile = 0.01;

PanelCost panelCost(const PanelWork &work, const CpuTarget &target,
                    int64_t rows, const RowLoops &loops) {
  int64_t chunk = loops.chunk ? loops.chunk : work.steps;
  double passes = double((rows + work.tileRows - 1) / work.tileRows);
  double chunks = double((work.steps + chunk - 1) / chunk);
  double steps = double(work.steps), bytes = steps * double(work.stepBytes);
  double perPass = double(rows) / passes * double(work.vectors);

  PanelCost cost;
  // A step adds to every accumulator once, so it takes the latency at least.
  double step =
      std::max(perPass / target.multipliesPerCycle, target.multiplyLatency);
  // Between chunks the accumulators go to memory and come back.
  double pass =
      steps * step + chunks * passOverhead + 2 * (chunks - 1) * perPass;
  cost.multiply = passes * pass;
  cost.read = bytes / target.readRate;

  double held = double(chunk * work.stepBytes) * (loops.ahead ? 2 : 1);
  bool fits = held <= panelShare * double(target.l2Bytes);
  double again = fits ? 0 : bytes / target.l3Rate;
  if (loops.ahead)
    cost.total =
        std::max(passes * std::max(pass, again), bytes / target.fetchRate);
  else
    cost.total =
        std::max(pass, cost.read) + (passes - 1) * std::max(pass, again);
  return cost;
}

std::vector<RowLoops> candidateLoops(const PanelWork &work) {
  std::vector<RowLoops> candidates;
  for (bool ahead : {false, true}) {
    candidates.push_back({0, ahead});
    // Halves, quarters, ... of K in whole iterations, down to one that is
    // short against what a pass costs.
    constexpr int64_t leastSteps = 64;
    for (int64_t parts = 2; work.steps / parts >= leastSteps; parts *= 2) {
      int64_t iterations = (work.steps / work.unroll + parts - 1) / parts;
      candidates.push_back({iterations * work.unroll, ahead});
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
    for (const RowLoops &candidate : candidates)
      if (total(candidate) < (1 - worthwhile) * total(best))
        best = candidate;
    if (choices.empty() || !(choices.back().loops == best))
      choices.push_back({rows, best});
  }
  return choices;
}

} // namespace moec

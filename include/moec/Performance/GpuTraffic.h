//===- GpuTraffic.h - Bytes, tiles and launches of a layer ------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a layer's plan does with a number of tokens and their routing, by
// formulas:
//
//   passes       each launch goes once over each buffer that it is given
//   cache        a product's tile reads its weights, and its rows without
//                padding, from the second-level cache
//   memory       weights of the experts that have a row, rows in and out as
//                bf16, and passes over buffers that fill more than half of the
//                cache
//   unfused      what an engine that has a kernel for each step passes, with M
//                rows that are routed, H columns of a row and I of an expert:
//                M (12 I + 4 H)
//   fused        what one passes that multiplies gate and up in one kernel with
//                the activation: M (4 I + 4 H)
//   padding      rows of the tiles / rows
//   busy         tiles / (waves * multiprocessors), a tile on each at a time
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_PERFORMANCE_GPUTRAFFIC_H
#define MOEC_PERFORMANCE_GPUTRAFFIC_H

#include "moec/Performance/GpuChip.h"
#include "moec/Performance/LayerCost.h"

namespace moec::perf {

/// A product whose blocks compute tiles.
struct TiledProduct {
  std::string weights, kernel, tile;
  int64_t rows = 0, tiles = 0;
  double padding = 1, busy = 0;
  /// The tile as numbers.
  GpuTile shape = {};
};

struct GpuTraffic {
  int64_t launches = 0;
  double passBytes = 0, cacheBytes = 0, memoryBytes = 0;
  /// What other engines pass.
  double unfusedBytes = 0, fusedBytes = 0;
  /// Of the memory bytes: what no plan can avoid.
  double leastBytes = 0;
  std::vector<TiledProduct> products;
};

/// The padding of the routed experts' rows in tiles of `tokens` rows.
double paddingOf(const Load &load, int64_t tokens);

/// Of a call that chooses its routing itself. `layer` and `plan` belong to
/// `cost`.
GpuTraffic gpuTraffic(const LayerCost &cost, const ManifestLayer &layer,
                      const ManifestPlan &plan, const Load &load,
                      const GpuChip &chip);

} // namespace moec::perf

#endif // MOEC_PERFORMANCE_GPUTRAFFIC_H

//===- GpuChip.h - What a GPU offers to a kernel ----------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Limits of a multiprocessor by its compute capability (CUDA C++ Programming
// Guide, "Compute Capabilities"), and the sizes of the largest board that has
// it, by which grids and caches are judged.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_PERFORMANCE_GPUCHIP_H
#define MOEC_PERFORMANCE_GPUCHIP_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>

namespace moec::perf {

struct GpuChip {
  llvm::StringRef board;
  /// Multiprocessors, and bytes of the second-level cache.
  int64_t processors, cacheBytes;
  /// Of a multiprocessor: 32-bit registers, bytes of shared memory, warps and
  /// blocks that live on it.
  int64_t registers, sharedBytes, warps, blocks;
  /// Multiply-adds a clock of a multiprocessor's tensor cores on 16-bit
  /// numbers; on 8-bit numbers it is twice that.
  int64_t multiplyAdds;
  /// Those of f32 numbers, without tensor cores.
  int64_t floatMultiplyAdds;
  /// Warp instructions that a multiprocessor has time for while 1024 bytes of
  /// weights come from memory.
  int64_t instructionsPerKib;
};

/// Warp schedulers of a multiprocessor, each with a tensor core.
inline constexpr int64_t gpuSchedulers = 4;

/// The chip called `name`, "sm_90a". Fails on one whose limits are not in the
/// table.
llvm::Expected<GpuChip> gpuChip(llvm::StringRef name);

/// What a block needs.
struct BlockNeeds {
  int64_t threads = 0;
  /// Of a thread.
  int64_t registers = 0;
  int64_t sharedBytes = 0;
};

struct Occupancy {
  /// Blocks that live on a multiprocessor at once; 0 if not one does.
  int64_t blocks = 0;
  /// What there is not more of: "registers", "shared memory", "warps" or
  /// "blocks".
  llvm::StringRef limit;
};

Occupancy occupancy(const GpuChip &chip, const BlockNeeds &needs);

} // namespace moec::perf

#endif // MOEC_PERFORMANCE_GPUCHIP_H

//===- GpuKernel.h - What a kernel's machine code tells ---------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Figures of kernels that need no GPU: how many blocks fit, and whether the
// instructions of a loop stand in the way of the tensor cores. The stall sum is
// the assembler's schedule of one warp: waiting for memory and barriers is not
// in it. It shows that a stream of instructions is no worse than another, not
// how fast it runs.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_PERFORMANCE_GPUKERNEL_H
#define MOEC_PERFORMANCE_GPUKERNEL_H

#include "moec/Cubin/Cubin.h"
#include "moec/Performance/GpuChip.h"
#include "moec/Performance/LayerCost.h"
#include "moec/Runtime/Manifest.h"

#include <array>
#include <map>

namespace moec::perf {

/// One pass of a loop, of one warp; all passes if it was unrolled whole.
struct GpuLoop {
  /// The number of its first instruction in the kernel.
  size_t begin = 0;
  int64_t instructions = 0;
  /// The sum of the cycles between instructions.
  int64_t stall = 0;
  /// By class, and by name.
  std::array<int64_t, cubin::numOpClasses> classes = {};
  std::map<std::string, int64_t> names;
  /// Cycles that the tensor cores need for the warp's (or warpgroup's) share; 0
  /// if the loop multiplies nothing there.
  double tensorCycles = 0;
  /// Multiply-adds there, of the warp or the warpgroup.
  int64_t multiplyAdds = 0;
  bool ofWarpgroup = false;

  int64_t count(cubin::OpClass kind) const { return classes[unsigned(kind)]; }
  int64_t count(const std::string &name) const;
  /// Tensor instructions among all.
  double density() const;
  /// n/t and stall/t: issue slots, and cycles of the schedule, for each cycle
  /// of the tensor cores. Only of loops that multiply there.
  double issueShare() const { return double(instructions) / tensorCycles; }
  double stallShare() const { return double(stall) / tensorCycles; }
};

GpuLoop loopFigures(const cubin::Loop &loop, const GpuChip &chip);

struct GpuKernel {
  std::string name;
  BlockNeeds needs;
  int64_t stackBytes = 0, codeBytes = 0;
  /// Instructions that move spilled registers.
  int64_t spills = 0;
  Occupancy occupancy;
  /// Innermost ones, in the order of the code, then those that were unrolled.
  std::vector<GpuLoop> loops;

  /// The loop with the most work for the tensor cores, else the one with the
  /// most instructions; null if there is none.
  const GpuLoop *mainLoop() const;
};

/// How a kernel reads the weights of its product, where every warp of it
/// copies and multiplies. When tokens are few, that is all that costs time.
struct WeightStream {
  /// Instructions of all warps for 1024 bytes of weights, not counting scales,
  /// in the loop for the fewest tokens.
  double instructionsPerKib = 0;
  /// Bytes of weights that a multiprocessor's blocks have asked for and not
  /// used: of all stages but the one that is multiplied.
  int64_t flightBytes = 0;
};

/// Of a kernel with tiles of `tile`; none if it has no loop on the tensor
/// cores, or warps that only copy.
std::optional<WeightStream> weightStream(const GpuKernel &kernel,
                                         const GpuTile &tile);

/// The figures of `code`, launched as `launch` says.
GpuKernel kernelFigures(const cubin::Kernel &code, const ManifestLaunch &launch,
                        const GpuChip &chip);

} // namespace moec::perf

#endif // MOEC_PERFORMANCE_GPUKERNEL_H

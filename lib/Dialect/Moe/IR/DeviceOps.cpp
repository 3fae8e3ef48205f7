//===- DeviceOps.cpp - Layers as launches on a device ---------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.plan and the attributes it is made of.
//
//===----------------------------------------------------------------------===//

#include "Verify.h"
#include "moec/Dialect/Moe/Moe.h"

using namespace mlir;
using namespace mlir::moe;

/// Threads a block has at most, on every chip.
static constexpr int64_t maxThreads = 1024;
/// Blocks of a cluster that any chip runs.
static constexpr int64_t maxCluster = 8;
static constexpr int64_t warpSize = 32;

LogicalResult GpuTileAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  MmaKind mma, int64_t rows, int64_t tokens,
                                  int64_t depth, int64_t warps, int64_t stages,
                                  int64_t cluster) {
  if (cluster < 1 || cluster > maxCluster || rows % cluster != 0)
    return emitError() << "#moe.gpu_tile C2: a cluster of " << cluster
                       << " blocks cannot share " << rows
                       << " rows; it has 1 to " << maxCluster
                       << " and divides them";
  if (std::min({rows, tokens, depth, warps, stages}) >= 1 &&
      warps * warpSize <= maxThreads)
    return success();
  return emitError() << "#moe.gpu_tile C1: a tile of " << rows << " x "
                     << tokens << " x " << depth << " with " << stages
                     << " stages and " << warps
                     << " warps is empty or has more than 32 warps";
}

LogicalResult
DeviceBufferAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                         int64_t perToken, int64_t fixed, int64_t rowBytes) {
  if (std::min(perToken, fixed) >= 0 && rowBytes >= 1)
    return success();
  return emitError() << "#moe.device_buffer C1: " << perToken << " * T + "
                     << fixed << " rows of " << rowBytes
                     << " bytes are not an amount of memory";
}

LogicalResult
TensorMapAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      int64_t weight, int64_t rows, int64_t cols,
                      int64_t elementBytes, int64_t boxRows) {
  constexpr int64_t chunkBytes = 16, maxBoxRows = 256;
  if (weight >= 0 && std::min({rows, cols, elementBytes, boxRows}) >= 1 &&
      cols * elementBytes % chunkBytes == 0 && boxRows <= maxBoxRows)
    return success();
  return emitError() << "#moe.tensor_map C1: weight " << weight << " as "
                     << rows << " x " << cols << " numbers of " << elementBytes
                     << " bytes cannot be copied by boxes of " << boxRows
                     << " rows";
}

LogicalResult ArgumentAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   ArgumentKind kind, int64_t number) {
  if (number >= 0)
    return success();
  return emitError() << "#moe.argument C1: " << stringifyArgumentKind(kind)
                     << " number " << number << " is negative";
}

LogicalResult LaunchAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 StringAttr kernel, When when, int64_t perToken,
                                 int64_t fixed, int64_t perBlock,
                                 int64_t columns, int64_t threads,
                                 int64_t shared, int64_t resident,
                                 int64_t cluster, bool overlaps,
                                 ArrayRef<ArgumentAttr> arguments) {
  bool isGrid = std::min({perToken, fixed, shared, resident}) >= 0 &&
                std::min({perBlock, columns, threads}) >= 1 &&
                threads <= maxThreads;
  if (isGrid && (resident || cluster != 1) && columns > 1)
    return emitError() << "#moe.launch C2: a grid of " << columns
                       << " columns cannot be cut to " << resident
                       << " blocks for each multiprocessor, in clusters of "
                       << cluster;
  if (cluster < 1 || cluster > maxCluster)
    return emitError() << "#moe.launch C3: a cluster of " << cluster
                       << " blocks; there may be 1 to " << maxCluster;
  if (isGrid)
    return success();
  return emitError() << "#moe.launch C1: a grid of (" << perToken << " * T + "
                     << fixed << ") / " << perBlock << " by " << columns
                     << " blocks of " << threads << " threads with " << shared
                     << " bytes of shared memory cannot be launched";
}

LogicalResult PlanOp::verify() {
  auto check = [&](ArgumentAttr argument, ArgumentKind kind, StringRef what,
                   ArrayAttr list) -> LogicalResult {
    if (argument.getKind() != kind ||
        argument.getNumber() < static_cast<int64_t>(list.size()))
      return success();
    return broken(*this, "C1", "a launch names {0} {1}, there are {2}", what,
                  argument.getNumber(), list.size());
  };
  for (auto launch : getLaunches().getAsRange<LaunchAttr>())
    for (ArgumentAttr argument : launch.getArguments())
      if (failed(check(argument, ArgumentKind::Weight, "weight", getPacks())) ||
          failed(
              check(argument, ArgumentKind::Buffer, "buffer", getBuffers())) ||
          failed(check(argument, ArgumentKind::TensorMap, "tensor map",
                       getMaps())))
        return failure();
  for (auto map : getMaps().getAsRange<TensorMapAttr>())
    if (map.getWeight() >= static_cast<int64_t>(getPacks().size()))
      return broken(*this, "C2", "a tensor map names weight {0}, there are {1}",
                    map.getWeight(), getPacks().size());
  return success();
}

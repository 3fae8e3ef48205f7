//===- GpuReport.h - The static judgement of a bundle -----------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What moec gpu-report knows of a bundle for a GPU, and the forms in which it
// says so.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_GPUREPORT_H
#define MOEC_LIB_DRIVER_GPUREPORT_H

#include "Console.h"
#include "moec/Performance/GpuKernel.h"
#include "moec/Performance/GpuTraffic.h"

#include <nlohmann/json.hpp>

namespace moec::driver {

struct GpuBatch {
  perf::Load load;
  perf::GpuTraffic traffic;
};

/// A product's weights on their way through a kernel.
struct GpuStream {
  std::string weights, kernel, tile;
  perf::WeightStream figures;
};

/// Layers that share their kernels.
struct GpuLayer {
  /// "layers.0-47".
  std::string names;
  std::vector<GpuBatch> batches;
  /// Of the kernels that the batches launch.
  std::vector<GpuStream> streams;
};

struct GpuReport {
  /// As the user named it.
  std::string bundle;
  std::string chipName;
  perf::GpuChip chip;
  /// In the order of the launches.
  std::vector<perf::GpuKernel> kernels;
  std::vector<GpuLayer> layers;
};

/// A number of the report: "kernel_0_4_product/registers",
/// "layers.0-47/T=64/w1+w3/padding".
struct GpuFigure {
  std::string path;
  double value = 0;
};

/// Every number that can be limited.
std::vector<GpuFigure> gpuFigures(const GpuReport &report);

/// Reads the limits in the JSON file `path` (docs/cli.md) and says which
/// figures break them, a line for each. Fails on a limit that no figure has.
llvm::Expected<std::vector<std::string>>
brokenLimits(llvm::StringRef path, llvm::ArrayRef<GpuFigure> figures);

std::string gpuReportText(const Console &console, const GpuReport &report);
nlohmann::json gpuReportJson(const GpuReport &report);
/// A self-contained page.
std::string gpuReportPage(const GpuReport &report);

/// Figures of other engines' kernels, read from their machine code. n, stall
/// and t are of 64 elements of K and a warp (or warpgroup) that multiplies.
struct GpuRival {
  llvm::StringRef engine, tile;
  int64_t instructions, stall, tensorCycles;
};

/// Launches of a layer by another engine, the router's product included.
struct GpuLaunchRival {
  llvm::StringRef engine;
  /// For one token, and for thousands.
  int64_t decode, prefill;
};

llvm::ArrayRef<GpuLaunchRival> gpuLaunchRivals();

/// Of bf16 weights for one token: warp instructions for 1024 bytes, and KiB
/// under way on a multiprocessor, from the best kernel to the worst.
struct GpuStreamRival {
  llvm::StringRef engine;
  int64_t leastInstructions, mostInstructions, leastKib, mostKib;
};

llvm::ArrayRef<GpuStreamRival> gpuStreamRivals();

/// Rows that other engines' tiles are multiples of: trtllm-gen's, and vLLM's
/// for a few, some and many tokens.
inline constexpr int64_t gpuRivalGranules[] = {8, 16, 64, 128};

/// The kernels to compare with on a chip, the largest tiles first.
llvm::ArrayRef<GpuRival> gpuRivals(llvm::StringRef chip);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_GPUREPORT_H

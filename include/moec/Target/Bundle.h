//===- Bundle.h - Writing a compiled model ----------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A bundle is a directory: kernel.so (for a GPU kernel.ptx, .bc and .cubin, for
// more chips kernel.CHIP.ptx and so on),
// weights.bin (packed, to be mapped), manifest.json (Runtime/Manifest.h),
// moec_model.h (a C header that documents the layers), model.mlir (the layers
// as imported, which `moec verify` compares the code with) and schedule.mlir
// (the scheduled module that the code was made from, which `moec explain`
// reads).
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_TARGET_BUNDLE_H
#define MOEC_TARGET_BUNDLE_H

#include "moec/Pipelines/Pipelines.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <string>
#include <vector>

namespace moec {

class Checkpoint;

/// The name of the scheduled module in a bundle.
inline constexpr const char *kScheduleFileName = "schedule.mlir";

struct BundleOptions {
  CompileTarget target;
  /// Chips that the bundle has code for besides `target`, which is one then.
  std::vector<NvptxTarget> moreChips;
  /// Where weights are read from; null for a bundle without weights.
  const Checkpoint *checkpoint = nullptr;
  /// Run the fusion passes; without them the same results come slower.
  bool fuse = true;
  /// Where a failing pass leaves its input, if not empty.
  std::string reproducer;
  /// The manifest's "model": the text of a JSON object.
  std::string model = "{}";
  /// Threads that pack weights; 0 for one per CPU.
  unsigned threads = 0;
  /// Called with bytes packed so far and in all.
  std::function<void(uint64_t, uint64_t)> progress;
};

/// What has been written, for a report to the user.
struct BundleReport {
  size_t layers = 0, kernels = 0;
  uint64_t codeBytes = 0, weightBytes = 0;
  double compileSeconds = 0, packSeconds = 0;
  /// For example a weight with NaNs in it.
  std::vector<std::string> warnings;
};

/// Compiles `module` (phase Moe or Scheduled) and writes the bundle `path`, or
/// leaves what was there. Errors of passes go to the module's context's
/// diagnostics; the error returned says which stage failed.
llvm::Expected<BundleReport> writeBundle(mlir::ModuleOp module,
                                         llvm::StringRef path,
                                         const BundleOptions &options);

} // namespace moec

#endif // MOEC_TARGET_BUNDLE_H

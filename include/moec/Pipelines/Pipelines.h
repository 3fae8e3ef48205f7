//===- Pipelines.h - From phase to phase ------------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The phases a module goes through and the pipelines between them. The phases
// drive --emit and --dump-phases of the command line; moe-opt has the same
// pipelines by name.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_PIPELINES_PIPELINES_H
#define MOEC_PIPELINES_PIPELINES_H

#include "moec/Codegen/CPU/CpuTargetOption.h"
#include "moec/Codegen/NVPTX/NvptxTarget.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

#include "llvm/Support/Error.h"

#include <optional>
#include <variant>

namespace moec {

/// What code is compiled for.
using CompileTarget = std::variant<CpuTarget, NvptxTarget>;

/// What a module looks like at a point of the compilation.
enum class Phase {
  /// As imported: unfused moe on tensors.
  Moe,
  /// Fused, kernels shared, every product with a strategy.
  Scheduled,
  /// scf, vector and memref; on a GPU scf, nvvm and moe.plan.
  Loops,
  /// The LLVM dialect.
  Llvm,
  /// Machine code; on a GPU PTX.
  Object,
  /// The finished bundle.
  Bundle
};

llvm::StringRef phaseName(Phase phase);
std::optional<Phase> parsePhase(llvm::StringRef name);

struct PipelineOptions : mlir::PassPipelineOptions<PipelineOptions> {
  Option<bool> nvptx{*this, "nvptx",
                     llvm::cl::desc("choose strategies for an NVIDIA GPU"),
                     llvm::cl::init(false)};
  Option<bool> wgmma{*this, "wgmma",
                     llvm::cl::desc("the GPU has wgmma and a copy engine for "
                                    "tensors"),
                     llvm::cl::init(false)};
  Option<CpuTarget> cpu{*this, "cpu",
                        llvm::cl::desc("what is known of the CPU")};
  Option<bool> fuse{*this, "fuse", llvm::cl::desc("run the fusion passes"),
                    llvm::cl::init(true)};

  PipelineOptions() = default;
  explicit PipelineOptions(const CompileTarget &target);
};

/// Moe to Scheduled.
void buildSchedulePipeline(mlir::OpPassManager &manager,
                           const PipelineOptions &options);
/// Scheduled to Loops.
void buildLoopsPipeline(mlir::OpPassManager &manager,
                        const PipelineOptions &options);
/// Loops to Llvm.
void buildLlvmPipeline(mlir::OpPassManager &manager,
                       const PipelineOptions &options);
/// The same for a GPU.
void buildNvptxLoopsPipeline(mlir::OpPassManager &manager);
void buildNvptxLlvmPipeline(mlir::OpPassManager &manager);

/// Takes `module` from phase `from` to phase `to`, at most Phase::Llvm; without
/// `fuse` the fusion passes are left out. Fails if a pass does; its messages
/// are the context's diagnostics. Then, if `reproducer` names a file, the
/// module before the pass and the passes are written there, for moe-opt
/// --run-reproducer.
llvm::Error lowerModule(mlir::ModuleOp module, Phase from, Phase to,
                        const CompileTarget &target, bool fuse = true,
                        llvm::StringRef reproducer = "");

/// How weights, rows and experts' outputs are encoded: the options of
/// moe-quantize, in words.
struct QuantizeOptions {
  std::string weights = "stored", activations = "float", outputs = "f32";
  int64_t group = 0;

  /// What experts' outputs are if nothing is said: a GPU keeps them in memory
  /// until they are added up.
  static std::string usualOutputs(const CompileTarget &target) {
    return std::holds_alternative<NvptxTarget>(target) ? "rows" : "f32";
  }

  /// Whether `group` may be chosen.
  bool takesGroup() const {
    return weights == "int8" || weights == "int4" || weights == "uint4";
  }
};

/// Encodes the weights and rows of an imported module (phase Moe). Fails if the
/// pass does; its messages are the context's diagnostics.
llvm::Error quantizeModule(mlir::ModuleOp module,
                           const QuantizeOptions &options);

/// The module as text, ending in a newline.
std::string moduleText(mlir::ModuleOp module);

/// Registers moe-schedule, moe-cpu-loops, moe-cpu-llvm and moe-cpu (all three),
/// and the same for nvptx.
void registerPipelines();

} // namespace moec

#endif // MOEC_PIPELINES_PIPELINES_H

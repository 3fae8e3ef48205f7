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

#include "moec/Codegen/CPU/CpuTarget.h"
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
  Option<Architecture> architecture{
      *this, "arch", llvm::cl::desc("whose instructions are used"),
      llvm::cl::init(Architecture::X86_64),
      llvm::cl::values(
          clEnumValN(Architecture::X86_64, "x86_64", "x86-64"),
          clEnumValN(Architecture::AArch64, "aarch64", "64-bit Arm"))};
  Option<int64_t> lanes{*this, "lanes",
                        llvm::cl::desc("f32 numbers in a vector register"),
                        llvm::cl::init(16)};
  Option<int64_t> registers{*this, "registers",
                            llvm::cl::desc("vector registers"),
                            llvm::cl::init(32)};
  Option<bool> bf16Dot{
      *this, "bf16-dot",
      llvm::cl::desc("the target has a dot product of bf16 pairs"),
      llvm::cl::init(false)};
  Option<int64_t> l2Bytes{*this, "l2-bytes",
                          llvm::cl::desc("bytes of the second cache"),
                          llvm::cl::init(1 << 20)};
  Option<double> multipliesPerCycle{
      *this, "multiplies-per-cycle",
      llvm::cl::desc("whole vectors multiplied and added in a cycle"),
      llvm::cl::init(1)};
  Option<double> multiplyLatency{
      *this, "multiply-latency",
      llvm::cl::desc("cycles until the result of a multiplication can be used"),
      llvm::cl::init(6)};
  Option<double> readRate{
      *this, "read-rate",
      llvm::cl::desc("bytes a cycle that a core reads from memory"),
      llvm::cl::init(6)};
  Option<double> fetchRate{
      *this, "fetch-rate",
      llvm::cl::desc("bytes a cycle that a core fetches by instructions"),
      llvm::cl::init(5.6)};
  Option<double> l3Rate{
      *this, "l3-rate",
      llvm::cl::desc("bytes a cycle that a core reads from the third cache"),
      llvm::cl::init(10)};
  Option<double> memoryLatency{
      *this, "memory-latency",
      llvm::cl::desc("cycles until a number in memory arrives"),
      llvm::cl::init(280)};
  Option<int64_t> reorderWindow{
      *this, "reorder-window",
      llvm::cl::desc("instructions that a core has under way"),
      llvm::cl::init(320)};
  Option<bool> int8Dot{
      *this, "int8-dot",
      llvm::cl::desc("the target has a dot product of four int8 numbers"),
      llvm::cl::init(false)};
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

/// How weights and rows are encoded: the options of moe-quantize, in words.
struct QuantizeOptions {
  std::string weights = "stored", activations = "float";
  int64_t group = 0;

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

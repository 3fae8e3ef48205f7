//===- Pipelines.cpp - From phase to phase --------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pipelines, with the reason for every order that matters.
//
//===----------------------------------------------------------------------===//

#include "moec/Pipelines/Pipelines.h"
#include "moec/Codegen/CPU/Passes.h"
#include "moec/Codegen/NVPTX/Passes.h"
#include "moec/Dialect/Moe/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace moec {

static constexpr std::pair<Phase, StringLiteral> phaseNames[] = {
    {Phase::Moe, "moe"},       {Phase::Scheduled, "scheduled"},
    {Phase::Loops, "loops"},   {Phase::Llvm, "llvm"},
    {Phase::Object, "object"}, {Phase::Bundle, "bundle"}};

StringRef phaseName(Phase phase) {
  for (auto [value, name] : phaseNames)
    if (value == phase)
      return name;
  llvm_unreachable("every phase has a name");
}

std::optional<Phase> parsePhase(StringRef name) {
  for (auto [value, candidate] : phaseNames)
    if (candidate == name)
      return value;
  return std::nullopt;
}

PipelineOptions::PipelineOptions(const CompileTarget &target) {
  if (const auto *described = std::get_if<CpuTarget>(&target)) {
    cpu = *described;
  } else {
    nvptx = true;
    wgmma = std::get<NvptxTarget>(target).hasWgmma();
  }
}

void buildSchedulePipeline(OpPassManager &manager,
                           const PipelineOptions &options) {
  if (options.fuse) {
    manager.addPass(moe::createMoeFuseRouterPass());
    // Gather before epilogue: two products are merged only when they read the
    // same rows, and a dispatch moves only while all its readers are products.
    manager.addPass(moe::createMoeFuseGatherPass());
    manager.addPass(moe::createMoeFuseEpiloguePass());
    // Combine last: its additions read what the epilogues have become.
    manager.addPass(moe::createMoeFuseCombinePass());
  }
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  // Equal layers are recognised by their text, so after all clean-up.
  manager.addPass(moe::createMoeShareKernelsPass());
  if (options.nvptx) {
    moe::MoeChooseNvptxStrategyPassOptions strategy;
    strategy.wgmma = options.wgmma;
    manager.addPass(moe::createMoeChooseNvptxStrategyPass(strategy));
    return;
  }
  moe::MoeChooseStrategyPassOptions strategy;
  strategy.cpu = options.cpu;
  manager.addPass(moe::createMoeChooseStrategyPass(strategy));
}

void buildLoopsPipeline(OpPassManager &manager,
                        const PipelineOptions &options) {
  moe::MoeLowerToCpuPassOptions lowering;
  lowering.cpu = options.cpu;
  manager.addPass(moe::createMoeLowerToCpuPass(lowering));
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createLoopInvariantCodeMotionPass());
}

void buildLlvmPipeline(OpPassManager &manager, const PipelineOptions &options) {
  // LLVM calls a function of the compiler's run time where the target cannot
  // convert to bf16; a kernel has no such library.
  moe::MoeExpandMathPassOptions math;
  math.bf16 = !options.cpu.bf16Dot;
  manager.addPass(moe::createMoeExpandMathPass(math));
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createConvertVectorToLLVMPass());
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createFinalizeMemRefToLLVMConversionPass());
  manager.addPass(createConvertFuncToLLVMPass());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createConvertIndexToLLVMPass());
  manager.addPass(createConvertControlFlowToLLVMPass());
  // Views of the caller's memory are descriptors cast to memrefs; after the
  // conversions the casts meet their inverses.
  manager.addPass(createReconcileUnrealizedCastsPass());
  manager.addPass(createCanonicalizerPass());
}

void buildNvptxLoopsPipeline(OpPassManager &manager) {
  manager.addPass(moe::createMoeLowerToNvptxPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createLoopInvariantCodeMotionPass());
}

void buildNvptxLlvmPipeline(OpPassManager &manager) {
  // Polynomials for exp and its kin: no device library is linked in.
  manager.addPass(moe::createMoeExpandMathPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createConvertIndexToLLVMPass());
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createConvertNVVMToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  manager.addPass(createCanonicalizerPass());
}

void registerPipelines() {
  PassPipelineRegistration<PipelineOptions>(
      "moe-schedule", "imported layers to fused, shared, scheduled kernels",
      buildSchedulePipeline);
  PassPipelineRegistration<PipelineOptions>(
      "moe-cpu-loops", "scheduled kernels to loops over vectors",
      buildLoopsPipeline);
  PassPipelineRegistration<PipelineOptions>(
      "moe-cpu-llvm", "loops over vectors to the LLVM dialect",
      buildLlvmPipeline);
  PassPipelineRegistration<PipelineOptions>(
      "moe-cpu", "imported layers to the LLVM dialect, for a CPU",
      [](OpPassManager &manager, const PipelineOptions &options) {
        buildSchedulePipeline(manager, options);
        buildLoopsPipeline(manager, options);
        buildLlvmPipeline(manager, options);
      });
  PassPipelineRegistration<>("moe-nvptx-loops",
                             "scheduled kernels to device functions",
                             buildNvptxLoopsPipeline);
  PassPipelineRegistration<>("moe-nvptx-llvm",
                             "device functions to the LLVM dialect",
                             buildNvptxLlvmPipeline);
}

} // namespace moec

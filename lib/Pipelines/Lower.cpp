//===- Lower.cpp - Running the pipelines ----------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Phase by phase, so that a failure is told with the phase it happened in.
//
//===----------------------------------------------------------------------===//

#include "moec/Dialect/Moe/Passes.h"
#include "moec/Pipelines/Pipelines.h"
#include "moec/Support/Error.h"

using namespace llvm;

namespace moec {

/// The phase after `phase`, and the pipeline that leads there.
static Phase addPipeline(mlir::OpPassManager &manager, Phase phase,
                         const PipelineOptions &options) {
  switch (phase) {
  case Phase::Moe:
    buildSchedulePipeline(manager, options);
    return Phase::Scheduled;
  case Phase::Scheduled:
    options.nvptx ? buildNvptxLoopsPipeline(manager)
                  : buildLoopsPipeline(manager, options);
    return Phase::Loops;
  case Phase::Loops:
    options.nvptx ? buildNvptxLlvmPipeline(manager)
                  : buildLlvmPipeline(manager, options);
    return Phase::Llvm;
  default:
    return phase;
  }
}

Error lowerModule(mlir::ModuleOp module, Phase from, Phase to,
                  const CompileTarget &target, bool fuse,
                  StringRef reproducer) {
  PipelineOptions options(target);
  options.fuse = fuse;
  while (from < to) {
    mlir::PassManager manager(module.getContext());
    Phase next = addPipeline(manager, from, options);
    if (!reproducer.empty())
      manager.enableCrashReproducerGeneration(reproducer);
    if (failed(manager.run(module)))
      return inputError("the passes from phase '{}' to '{}' failed; the "
                        "messages above say where",
                        phaseName(from), phaseName(next));
    from = next;
  }
  return Error::success();
}

Error quantizeModule(mlir::ModuleOp module, const QuantizeOptions &options) {
  mlir::PassManager manager(module.getContext());
  mlir::moe::MoeQuantizePassOptions pass;
  pass.weights = options.weights;
  pass.group = options.group;
  pass.activations = options.activations;
  pass.outputs = options.outputs;
  manager.addPass(mlir::moe::createMoeQuantizePass(pass));
  if (failed(manager.run(module)))
    return inputError("the weights cannot be encoded as asked for; the "
                      "messages above say why");
  return Error::success();
}

std::string moduleText(mlir::ModuleOp module) {
  std::string text;
  raw_string_ostream stream(text);
  module.print(stream);
  return text + "\n";
}

} // namespace moec

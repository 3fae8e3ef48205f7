//===- LowerToNvptx.cpp - Lowers layers to kernels and launches -----------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the description of moe-lower-to-nvptx in dialects/moe/MoeNvptxPasses.td.
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"
#include "moec/Codegen/NVPTX/Passes.h"

#include "llvm/ADT/SetVector.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MOELOWERTONVPTXPASS
#include "moec/Dialect/Moe/MoeNvptxPasses.h.inc"

namespace {

struct MoeLowerToNvptxPass
    : impl::MoeLowerToNvptxPassBase<MoeLowerToNvptxPass> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::SetVector<Operation *> kernels;
    for (auto layer : module.getOps<LayerOp>())
      kernels.insert(module.lookupSymbol(layer.getKernel()));
    for (auto function : module.getOps<func::FuncOp>())
      if (!kernels.contains(function) && function.isPublic()) {
        function.emitOpError("is a layer that no moe.layer binds; run "
                             "moe-share-kernels first");
        return signalPassFailure();
      }
    for (Operation *kernel : kernels)
      if (failed(moec::nvptx::LayerLowering(cast<func::FuncOp>(kernel)).run()))
        return signalPassFailure();
    for (Operation &op :
         llvm::make_early_inc_range(module.getBody()->getOperations()))
      if (isa<LayerOp, WeightOp>(op) || kernels.contains(&op))
        op.erase();
  }
};

} // namespace
} // namespace mlir::moe

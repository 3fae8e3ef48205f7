//===- LowerToCpu.cpp - Lowers layers to loops over vectors ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the description of moe-lower-to-cpu in dialects/moe/MoeCpuPasses.td.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"
#include "moec/Codegen/CPU/Passes.h"

#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MOELOWERTOCPUPASS
#include "moec/Dialect/Moe/MoeCpuPasses.h.inc"

namespace {

struct MoeLowerToCpuPass : impl::MoeLowerToCpuPassBase<MoeLowerToCpuPass> {
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
      if (failed(moec::cpu::KernelLowering(cast<func::FuncOp>(kernel), lanes,
                                           int8Dot)
                     .run()))
        return signalPassFailure();
    for (Operation &op :
         llvm::make_early_inc_range(module.getBody()->getOperations()))
      if (isa<LayerOp, WeightOp>(op) || kernels.contains(&op))
        op.erase();
  }
};

} // namespace
} // namespace mlir::moe

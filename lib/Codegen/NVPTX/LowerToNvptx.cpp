//===- LowerToNvptx.cpp - Lowers layers to kernels and launches -----------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the description of moe-lower-to-nvptx in dialects/moe/MoeNvptxPasses.td.
//
//===----------------------------------------------------------------------===//

#include "DeviceMath.h"
#include "LayerLowering.h"
#include "moec/Codegen/NVPTX/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MOELOWERTONVPTXPASS
#include "moec/Dialect/Moe/MoeNvptxPasses.h.inc"

namespace {

struct MoeLowerToNvptxPass
    : impl::MoeLowerToNvptxPassBase<MoeLowerToNvptxPass> {
  using Base::Base;

  void runOnOperation() override {
    if (failed(moec::lowerLayers(getOperation(), [&](func::FuncOp layer) {
          return moec::nvptx::LayerLowering(layer).run();
        })))
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    moec::nvptx::populateDeviceMathPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace mlir::moe

//===- ChooseStrategy.cpp - How each product runs on a GPU ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the description of moe-choose-nvptx-strategy in
// dialects/moe/MoeNvptxPasses.td.
//
//===----------------------------------------------------------------------===//

#include "moec/Codegen/NVPTX/Passes.h"
#include "moec/Dialect/Moe/Moe.h"

#include "mlir/IR/Remarks.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MOECHOOSENVPTXSTRATEGYPASS
#include "moec/Dialect/Moe/MoeNvptxPasses.h.inc"

namespace {

struct MoeChooseNvptxStrategyPass
    : impl::MoeChooseNvptxStrategyPassBase<MoeChooseNvptxStrategyPass> {
  using Base::Base;

  GpuTileAttr choose(Operation *op, int64_t weights) {
    // A run of 8 rows of each weight for each of 16 threads' features.
    int64_t rows = weights <= 2 ? 64 : 32 * weights;
    remark::analysis(
        op->getLoc(),
        remark::RemarkOpts::name("choose-strategy").category("moe-strategy"))
        << "tiles of " << std::to_string(rows) << " weight rows x 32 tokens, "
        << "f32 steps";
    return GpuTileAttr::get(&getContext(), MmaKind::Fma, rows, /*tokens=*/32,
                            /*depth=*/16, /*warps=*/4, /*stages=*/1);
  }

  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      if (auto linear = dyn_cast<LinearOp>(op);
          linear && !linear.getStrategy() && !op->getParentOfType<RouterOp>())
        linear.setStrategyAttr(choose(op, 1));
      else if (auto product = dyn_cast<GroupedMatmulOp>(op);
               product && !product.getStrategy())
        product.setStrategyAttr(choose(op, product.getWeights().size()));
    });
  }
};

} // namespace
} // namespace mlir::moe

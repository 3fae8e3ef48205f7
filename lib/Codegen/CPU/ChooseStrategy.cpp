//===- ChooseStrategy.cpp - How each product runs on the CPU --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the description of moe-choose-strategy in dialects/moe/MoeCpuPasses.td.
//
//===----------------------------------------------------------------------===//

#include "moec/Codegen/CPU/Passes.h"
#include "moec/Dialect/Moe/Moe.h"

#include "mlir/IR/Remarks.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MOECHOOSESTRATEGYPASS
#include "moec/Dialect/Moe/MoeCpuPasses.h.inc"

namespace {

/// Rows of a tile. Measured on Zen 4 for K of 2048: 6 x 64 in bf16 runs at 94 %
/// of the dot product's peak; fewer rows load too much, more spill.
constexpr int64_t tileRows = 6;
/// K steps in one iteration of the innermost loop.
constexpr int64_t tileUnroll = 4;

struct MoeChooseStrategyPass
    : impl::MoeChooseStrategyPassBase<MoeChooseStrategyPass> {
  using Base::Base;

  CpuTileAttr choose(Operation *op, Type rows, Type weights, int64_t numWeights,
                     int64_t n) {
    bool pairs = bf16Dot && rows.isBF16() && weights.isBF16();
    // Accumulators, one vector of weights for each, and a broadcast row
    // element: 6 x 4 + 4 + 1 of 32 registers, 6 x 2 + 2 + 1 of 16.
    int64_t vectors = registers >= 32 ? 4 : 2;
    // A narrow product does not fill a wide panel.
    int64_t cols =
        std::min(vectors * lanes,
                 static_cast<int64_t>(llvm::alignTo(n, lanes)) * numWeights);
    int64_t depth = pairs ? 2 : 1;
    remark::analysis(
        op->getLoc(),
        remark::RemarkOpts::name("choose-strategy").category("moe-strategy"))
        << "tiles of " << std::to_string(tileRows) << " x "
        << std::to_string(cols) << (pairs ? ", pairs of bf16" : ", f32 steps");
    return CpuTileAttr::get(&getContext(), tileRows, cols, depth, lanes,
                            tileUnroll);
  }

  void runOnOperation() override {
    if (lanes < 1 || lanes > 16 || !llvm::isPowerOf2_64(lanes) ||
        registers < 16) {
      getOperation().emitError()
          << "moe-choose-strategy takes 1 to 16 lanes, a power of two, and 16 "
             "registers or more; "
          << lanes << " and " << registers << " given";
      return signalPassFailure();
    }
    getOperation().walk([&](Operation *op) {
      if (auto linear = dyn_cast<LinearOp>(op);
          linear && !linear.getStrategy()) {
        linear.setStrategyAttr(
            choose(op, getElementTypeOrSelf(linear.getX()),
                   getElementTypeOrSelf(linear.getWeight()), 1,
                   cast<RankedTensorType>(linear.getWeight().getType())
                       .getDimSize(0)));
      } else if (auto product = dyn_cast<GroupedMatmulOp>(op);
                 product && !product.getStrategy()) {
        product.setStrategyAttr(
            choose(op, getElementTypeOrSelf(product.getInput()),
                   product.getWeightType(), product.getWeights().size(),
                   product.getN()));
      }
    });
  }
};

} // namespace
} // namespace mlir::moe

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

/// Rows of packed weights in a tile on tensor cores: four warps of two or four
/// fragments.
constexpr int64_t mmaRows = 128;
/// From so many weights of an expert on, tiles are wide: reading them costs
/// more than the rows that stay empty.
constexpr int64_t largeExpert = 1 << 20;

struct MoeChooseNvptxStrategyPass
    : impl::MoeChooseNvptxStrategyPassBase<MoeChooseNvptxStrategyPass> {
  using Base::Base;

  /// Tensor cores multiply two operands of one 16-bit type; fragments hold the
  /// rows of 1, 2 or 4 weights side by side.
  static bool onTensorCores(Type rows, Type weights, int64_t numWeights) {
    return rows == weights && (rows.isBF16() || rows.isF16()) &&
           (numWeights <= 2 || numWeights == 4);
  }

  /// Rows that an expert has are few or many in any one call, and wgmma takes
  /// as many tokens as there are: the tile is the widest that four stages of
  /// shared memory hold.
  GpuTileAttr chooseWgmma() {
    return GpuTileAttr::get(&getContext(), MmaKind::Wgmma, mmaRows,
                            /*tokens=*/256, /*depth=*/64, /*warps=*/12,
                            /*stages=*/4);
  }

  GpuTileAttr choose(Operation *op, Type rows, RankedTensorType weights,
                     int64_t numWeights) {
    MLIRContext *context = &getContext();
    GpuTileAttr tile;
    bool tensorCores =
        onTensorCores(rows, weights.getElementType(), numWeights);
    // Fragments of wgmma hold the rows of two weights.
    if (tensorCores && wgmma && numWeights <= 2) {
      tile = chooseWgmma();
    } else if (tensorCores) {
      ArrayRef<int64_t> matrix = weights.getShape().take_back(2);
      bool large = matrix[0] * matrix[1] >= largeExpert;
      tile = GpuTileAttr::get(context, MmaKind::M16N8K16, mmaRows,
                              /*tokens=*/large ? 128 : 32, /*depth=*/64,
                              /*warps=*/4, /*stages=*/2);
    } else {
      // A run of 8 rows of each weight for each of 16 threads' features.
      tile = GpuTileAttr::get(context, MmaKind::Fma,
                              numWeights <= 2 ? 64 : 32 * numWeights,
                              /*tokens=*/32, /*depth=*/16, /*warps=*/4,
                              /*stages=*/1);
    }
    remark::analysis(
        op->getLoc(),
        remark::RemarkOpts::name("choose-strategy").category("moe-strategy"))
        << "tiles of " << std::to_string(tile.getRows()) << " weight rows x "
        << std::to_string(tile.getTokens()) << " tokens by "
        << stringifyMmaKind(tile.getMma());
    return tile;
  }

  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      if (auto linear = dyn_cast<LinearOp>(op);
          linear && !linear.getStrategy() && !op->getParentOfType<RouterOp>())
        linear.setStrategyAttr(
            choose(op, getElementTypeOrSelf(linear.getX()),
                   cast<RankedTensorType>(linear.getWeight().getType()), 1));
      else if (auto product = dyn_cast<GroupedMatmulOp>(op);
               product && !product.getStrategy())
        product.setStrategyAttr(
            choose(op, getElementTypeOrSelf(product.getInput()),
                   cast<RankedTensorType>(product.getWeights()[0].getType()),
                   product.getWeights().size()));
    });
  }
};

} // namespace
} // namespace mlir::moe

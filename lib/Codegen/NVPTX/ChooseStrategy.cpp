//===- ChooseStrategy.cpp - How each product runs on a GPU ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the description of moe-choose-nvptx-strategy in
// dialects/moe/MoeNvptxPasses.td.
//
//===----------------------------------------------------------------------===//

#include "ProductTile.h"
#include "moec/Codegen/NVPTX/Attributes.h"
#include "moec/Codegen/NVPTX/Passes.h"
#include "moec/Dialect/Moe/Moe.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
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
/// Calls are of few tokens while experts have up to so many rows on average.
/// Then most have one tile of 8, whose weights are read once.
constexpr int64_t fewRows = 4, fewTokens = 8;
/// In a layer without experts.
constexpr int64_t fewRowsOfMatrix = 64;
/// Rows of packed weights in such a tile: so few that all multiprocessors have
/// some, for one token too.
constexpr int64_t fewMmaRows = 32;
/// Elements of K that its four warps multiply in a turn; twice as many of
/// encoded weights if K is divided by that.
constexpr int64_t fewDepth = 256;
/// Sums of encoded weights are kept twice, before and after scaling: by
/// mma.sync, by wgmma.
constexpr int64_t encodedTokens = 64, encodedWgmmaTokens = 128;

/// Encoded weights go to wgmma when experts have more rows than that on
/// average: with fewer, decoding is what takes the time, and many small blocks
/// do it faster.
constexpr int64_t someRows = 64;
/// The same of a layer without experts.
constexpr int64_t someRowsOfMatrix = 256;

struct Tiles {
  GpuTileAttr few, many;
  /// For calls between those; may be null.
  GpuTileAttr some = {};
};

struct MoeChooseNvptxStrategyPass
    : impl::MoeChooseNvptxStrategyPassBase<MoeChooseNvptxStrategyPass> {
  using Base::Base;

  /// Tensor cores multiply two operands of one 16-bit type; fragments hold the
  /// rows of 1, 2 or 4 weights side by side.
  static bool onTensorCores(Type rows, Type weights, int64_t numWeights) {
    return rows == weights && (rows.isBF16() || rows.isF16()) &&
           (numWeights <= 2 || numWeights == 4);
  }

  /// Each block of a cluster copies `mmaRows` rows of weights.
  GpuTileAttr byWgmma(int64_t tokens, int64_t stages, int64_t cluster = 1) {
    return GpuTileAttr::get(&getContext(), MmaKind::Wgmma, cluster * mmaRows,
                            tokens, /*depth=*/64, /*warps=*/12, stages,
                            cluster);
  }

  GpuTileAttr byMma(int64_t rows, int64_t tokens, int64_t depth,
                    int64_t stages) {
    return GpuTileAttr::get(&getContext(), MmaKind::M16N8K16, rows, tokens,
                            depth, /*warps=*/4, stages, /*cluster=*/1);
  }

  /// Of encoded weights: warps of their own decode, which takes few rows.
  GpuTileAttr decodeByMma() {
    return byMma(mmaRows, encodedTokens, /*depth=*/64, /*stages=*/3);
  }

  /// Of a call from which on experts have more than `rows` rows; in a layer
  /// without experts, from which on it has more than `rowsOfMatrix`.
  static int64_t tokensOfMoreRows(func::FuncOp layer, int64_t rows,
                                  int64_t rowsOfMatrix) {
    int64_t tokens = rowsOfMatrix;
    layer.walk([&](GroupOp group) {
      int64_t choices =
          cast<RankedTensorType>(group.getIds().getType()).getDimSize(1);
      tokens = std::max<int64_t>(rows * group.getExperts() / choices, 1);
    });
    return tokens + 1;
  }

  Tiles chooseTiles(Type rows, RankedTensorType weights, int64_t numWeights) {
    MLIRContext *context = &getContext();
    if (moec::nvptx::decodesWeights(rows, weights, numWeights)) {
      int64_t depth =
          weights.getShape().back() % (2 * fewDepth) ? fewDepth : 2 * fewDepth;
      GpuTileAttr few = byMma(fewMmaRows, fewTokens, depth, /*stages=*/4);
      if (!wgmma)
        return {few, decodeByMma()};
      return {few, byWgmma(encodedWgmmaTokens, /*stages=*/7), decodeByMma()};
    }
    if (onTensorCores(rows, weights.getElementType(), numWeights)) {
      ArrayRef<int64_t> matrix = weights.getShape().take_back(2);
      bool large = matrix[0] * matrix[1] >= largeExpert;
      // Three stages let three blocks live on a multiprocessor of sm_90.
      GpuTileAttr few =
          byMma(fewMmaRows, fewTokens, fewDepth, /*stages=*/wgmma ? 3 : 4);
      // Fragments of wgmma hold the rows of two weights. It takes as many
      // tokens as there are: the tile is the widest that four stages of shared
      // memory hold, and two blocks read its weights once.
      if (wgmma && numWeights <= 2)
        return {few, byWgmma(/*tokens=*/128, /*stages=*/4, /*cluster=*/2)};
      return {few, byMma(mmaRows, /*tokens=*/large ? 128 : 32, /*depth=*/64,
                         /*stages=*/2)};
    }
    // A run of 8 rows of each weight for each of 16 threads' features.
    auto byFma = [&](int64_t tokens) {
      return GpuTileAttr::get(context, MmaKind::Fma,
                              numWeights <= 2 ? 64 : 32 * numWeights, tokens,
                              /*depth=*/16, /*warps=*/4, /*stages=*/1,
                              /*cluster=*/1);
    };
    return {byFma(fewTokens), byFma(32)};
  }

  Attribute choose(Operation *op, Type rows, RankedTensorType weights,
                   int64_t numWeights) {
    auto layer = op->getParentOfType<func::FuncOp>();
    int64_t below = tokensOfMoreRows(layer, fewRows, fewRowsOfMatrix);
    int64_t from = tokensOfMoreRows(layer, someRows, someRowsOfMatrix);
    Tiles tiles = chooseTiles(rows, weights, numWeights);
    auto describe = [](GpuTileAttr tile) {
      return std::to_string(tile.getRows()) + " weight rows x " +
             std::to_string(tile.getTokens()) + " tokens";
    };
    Builder b(&getContext());
    SmallVector<NamedAttribute> named{
        b.getNamedAttr(moec::nvptx::fewTilesName, tiles.few),
        b.getNamedAttr(moec::nvptx::manyTilesName, tiles.many)};
    layer->setAttr(moec::nvptx::fewBelowName, b.getI64IntegerAttr(below));
    // Every chip that has wgmma lets launches overlap.
    if (wgmma)
      layer->setAttr(moec::nvptx::overlapName, b.getUnitAttr());
    std::string text = "tiles of " + describe(tiles.few) + " below " +
                       std::to_string(below) + " tokens, of ";
    if (tiles.some) {
      named.push_back(b.getNamedAttr(moec::nvptx::someTilesName, tiles.some));
      layer->setAttr(moec::nvptx::manyFromName, b.getI64IntegerAttr(from));
      text += describe(tiles.some) + " below " + std::to_string(from) + ", of ";
    }
    remark::analysis(
        op->getLoc(),
        remark::RemarkOpts::name("choose-strategy").category("moe-strategy"))
        << text << describe(tiles.many) << " from there on, by "
        << stringifyMmaKind(tiles.many.getMma());
    return b.getDictionaryAttr(named);
  }

  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      if (auto linear = dyn_cast<LinearOp>(op);
          linear && !linear.getStrategy() && !op->getParentOfType<RouterOp>() &&
          !moec::nvptx::isRowProduct(linear))
        linear.setStrategyAttr(
            choose(op, moec::nvptx::storedElement(linear.getX()),
                   cast<RankedTensorType>(linear.getWeight().getType()), 1));
      else if (auto product = dyn_cast<GroupedMatmulOp>(op);
               product && !product.getStrategy())
        product.setStrategyAttr(
            choose(op, moec::nvptx::storedElement(product.getInput()),
                   cast<RankedTensorType>(product.getWeights()[0].getType()),
                   product.getWeights().size()));
    });
  }
};

} // namespace
} // namespace mlir::moe

//===- ChooseStrategy.cpp - How each product runs on the CPU --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the description of moe-choose-strategy in dialects/moe/MoeCpuPasses.td.
//
//===----------------------------------------------------------------------===//

#include "moec/Codegen/CPU/PanelWork.h"
#include "moec/Codegen/CPU/Passes.h"
#include "moec/Dialect/Moe/Moe.h"
#include "moec/Dialect/Moe/NumberFormat.h"

#include "mlir/IR/Remarks.h"
#include "llvm/Support/FormatVariadic.h"
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

  /// Registers that a step needs besides its accumulators: `vectors` of
  /// weights, an element of a row, and what is on its way from codes to sums.
  int64_t otherRegisters(const std::optional<NumberFormat> &format,
                         int64_t depth, int64_t vectors) {
    int64_t few = cpu.registers / 4;
    if (!format)
      return few;
    // Without the dot product weights and rows are multiplied in two parts, and
    // products are on their way to sums; masks take registers too.
    if (depth == 4 && !cpu.int8Dot)
      return std::max(few, 2 * vectors + 5);
    bool isNarrow = format->block.codeBits() == 4;
    // Codes of four bits take masks and tables.
    if (depth == 4)
      return isNarrow ? std::max(few, vectors + 4) : few;
    // Codes on their way to floats, unless they are looked up as pairs.
    return few + (depth == 2 && isNarrow ? 0 : 4);
  }

  CpuTileAttr chooseTile(Value rows, RankedTensorType weights,
                         int64_t numWeights) {
    int64_t n = weights.getShape().drop_back().back(), lanes = cpu.lanes;
    bool fours =
        cast<RankedTensorType>(rows.getType()).getEncoding() != nullptr;
    std::optional<NumberFormat> format =
        NumberFormat::of(weights.getEncoding());
    bool pairs = cpu.bf16Dot && getElementTypeOrSelf(rows).isBF16() &&
                 (format || weights.getElementType().isBF16());
    int64_t depth = fours ? 4 : pairs ? 2 : 1;
    // Accumulators, one vector of weights for each, and a broadcast row
    // element: 6 x 4 + 4 + 1 of 32 registers, 6 x 2 + 2 + 1 of 16.
    int64_t vectors = cpu.registers >= 32 ? 4 : 2;
    // Numbers in groups have accumulators of a group and of all groups.
    bool grouped = format && format->group;
    // Codes of eight bits take so many instructions to become pairs that twice
    // as many rows on half as many columns multiply for as long.
    bool decodesLong =
        format && !grouped && depth == 2 && format->block.codeBits() == 8;
    if (grouped || decodesLong)
      vectors = std::max(vectors / 2, numWeights);
    // Two halves of a panel share bytes.
    int64_t least = format && format->block.codeBits() == 4 ? 2 * lanes : lanes;
    vectors = std::max(vectors, least / lanes);
    // A narrow product does not fill a wide panel.
    int64_t cols =
        std::min(vectors * lanes,
                 std::max(least, static_cast<int64_t>(llvm::alignTo(n, lanes)) *
                                     numWeights));
    int64_t accumulators =
        cpu.registers - otherRegisters(format, depth, vectors);
    int64_t rowVectors = vectors * (grouped ? 2 : 1);
    // Where registers are few, a second row is worth more than they are: the
    // weights are decoded half as often.
    int64_t most = std::clamp<int64_t>(accumulators / rowVectors, 2,
                                       tileRows * (decodesLong ? 2 : 1));
    return CpuTileAttr::get(&getContext(), most, cols, depth, lanes,
                            tileUnroll);
  }

  ArrayAttr chooseLoops(Operation *op, CpuTileAttr tile,
                        RankedTensorType weights) {
    moec::PanelWork work = moec::panelWork(tile, weights);
    const moec::CpuTarget &target = cpu;
    SmallVector<Attribute> ranges;
    for (const moec::RangeChoice &choice : moec::chooseRanges(work, target)) {
      ranges.push_back(CpuRangeAttr::get(&getContext(), choice.from,
                                         choice.loops.chunk, choice.loops.ahead,
                                         choice.loops.decode));
      explain(op, tile, work, target, choice);
    }
    return ArrayAttr::get(&getContext(), ranges);
  }

  /// Leaves a remark on why `choice` was made: what it costs at the number of
  /// rows where it begins, and what everything else would.
  void explain(Operation *op, CpuTileAttr tile, const moec::PanelWork &work,
               const moec::CpuTarget &target, const moec::RangeChoice &choice) {
    auto cycles = [&](const moec::RowLoops &loops) {
      double total = panelCost(work, target, choice.from, loops).total;
      return std::to_string(llvm::divideNearest(static_cast<uint64_t>(total),
                                                uint64_t(1000))) +
             "k";
    };
    std::string others;
    for (const moec::RowLoops &loops : candidateLoops(work))
      if (!(loops == choice.loops))
        others += "; " + inWords(loops) + " " + cycles(loops);
    std::string text =
        llvm::formatv("tiles of {0} x {1}, {2}; from {3} rows: {4}, {5} cycles "
                      "a panel",
                      tile.getRows(), tile.getCols(),
                      tile.getDepth() == 4   ? "fours of int8"
                      : tile.getDepth() == 2 ? "pairs of bf16"
                                             : "f32 steps",
                      choice.from, inWords(choice.loops), cycles(choice.loops));
    remark::analysis(
        op->getLoc(),
        remark::RemarkOpts::name("choose-strategy").category("moe-strategy"))
        << text + others;
  }

  /// Chooses for an operation that multiplies `rows` by `numWeights` matrices
  /// of the type of `weight`.
  template <typename Op>
  void choose(Op op, Value rows, Value weight, int64_t numWeights) {
    if (op.getStrategy())
      return;
    auto weights = cast<RankedTensorType>(weight.getType());
    CpuTileAttr tile = chooseTile(rows, weights, numWeights);
    op.setStrategyAttr(tile);
    // A router runs its products a few tokens at a time.
    if (!op->template getParentOfType<RouterOp>())
      op.setRangesAttr(chooseLoops(op, tile, weights));
  }

  void runOnOperation() override {
    if (cpu.lanes < 1 || cpu.lanes > 16 || !llvm::isPowerOf2_64(cpu.lanes) ||
        cpu.registers < 16) {
      getOperation().emitError()
          << "moe-choose-strategy takes 1 to 16 lanes, a power of two, and 16 "
             "registers or more; "
          << cpu.lanes << " and " << cpu.registers << " given";
      return signalPassFailure();
    }
    getOperation().walk([&](Operation *op) {
      if (auto linear = dyn_cast<LinearOp>(op))
        choose(linear, linear.getX(), linear.getWeight(), 1);
      else if (auto product = dyn_cast<GroupedMatmulOp>(op))
        choose(product, product.getInput(), product.getWeights()[0],
               product.getWeights().size());
    });
  }
};

} // namespace
} // namespace mlir::moe

//===- FuseCombine.cpp - Expert outputs added into their tokens ---------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the description of moe-fuse-combine in dialects/moe/MoePasses.td.
//
//===----------------------------------------------------------------------===//

#include "FusionLog.h"
#include "moec/Dialect/Moe/Moe.h"
#include "moec/Dialect/Moe/Passes.h"

#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MOEFUSECOMBINEPASS
#include "moec/Dialect/Moe/MoePasses.h.inc"

namespace {

/// Why `combine` cannot move into the product of its rows; empty if it can.
StringRef whyNot(CombineOp combine) {
  auto product = combine.getRows().getDefiningOp<GroupedMatmulOp>();
  if (!product || !product.isGrouped())
    return "the rows are not a grouped matmul's";
  if (!product.getResult().hasOneUse())
    return "the rows have another reader";
  if (product.getCombineWeights())
    return "the product already combines";
  if (product->getBlock() != combine->getBlock())
    return "the product is in another block";
  return {};
}

/// Rounds the rows of `product` in its epilogue: its result will be sums.
void roundInEpilogue(GroupedMatmulOp product) {
  Type element = product.getResult().getType().getElementType();
  if (element.isF32())
    return;
  OpBuilder builder(product);
  Location loc = product.getLoc();
  Type f32 = builder.getF32Type();
  if (!product.hasEpilogue()) {
    Block &block = product.getEpilogue().emplaceBlock();
    Value accumulator = block.addArgument(f32, loc);
    builder.setInsertionPointToStart(&block);
    YieldOp::create(builder, loc, accumulator);
  }
  Operation *yield = product.getEpilogue().front().getTerminator();
  builder.setInsertionPoint(yield);
  Value rounded =
      arith::TruncFOp::create(builder, loc, element, yield->getOperand(0));
  yield->setOperand(0, arith::ExtFOp::create(builder, loc, f32, rounded));
}

/// Moves `product` to `combine` and makes it yield the combined tokens.
GroupedMatmulOp fuse(CombineOp combine) {
  auto product = combine.getRows().getDefiningOp<GroupedMatmulOp>();
  product->moveBefore(combine);
  roundInEpilogue(product);
  product.getCombineWeightsMutable().assign(combine.getWeights());
  product.getCombineSlotsMutable().assign(combine.getSlots());
  product.getResult().setType(combine.getResult().getType());
  combine.getResult().replaceAllUsesWith(product.getResult());
  combine.erase();
  return product;
}

/// Moves the addition that reads `product`'s result into its `onto`.
bool fuseAddition(GroupedMatmulOp product) {
  Value sum = product.getResult();
  if (product.getOnto() || !sum.hasOneUse())
    return false;
  auto add = dyn_cast<arith::AddFOp>(*sum.user_begin());
  if (!add || add->getBlock() != product->getBlock())
    return false;
  Value other = add.getLhs() == sum ? add.getRhs() : add.getLhs();
  product->moveBefore(add);
  product.getOntoMutable().assign(other);
  add.getResult().replaceAllUsesWith(sum);
  add.erase();
  return true;
}

struct MoeFuseCombinePass : impl::MoeFuseCombinePassBase<MoeFuseCombinePass> {
  void runOnOperation() override {
    FusionLog log("fuse-combine");
    SmallVector<CombineOp> combines;
    getOperation().walk([&](CombineOp op) { combines.push_back(op); });
    for (CombineOp combine : combines) {
      if (StringRef reason = whyNot(combine); !reason.empty()) {
        log.refused(combine, reason);
        continue;
      }
      GroupedMatmulOp product = fuse(combine);
      log.taken(product, "expert outputs are added into their tokens");
      if (fuseAddition(product))
        log.taken(product, "expert outputs are added onto another sum");
    }
    log.summarize(getOperation());
  }
};

} // namespace
} // namespace mlir::moe

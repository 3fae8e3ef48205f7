//===- FuseGather.cpp - Token rows read where they are ------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the description of moe-fuse-gather in dialects/moe/MoePasses.td.
//
//===----------------------------------------------------------------------===//

#include "FusionLog.h"
#include "moec/Dialect/Moe/Moe.h"
#include "moec/Dialect/Moe/Passes.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MOEFUSEGATHERPASS
#include "moec/Dialect/Moe/MoePasses.h.inc"

namespace {

/// Why `dispatch` cannot move into its readers; empty if it can.
StringRef whyNot(DispatchOp dispatch) {
  if (dispatch.getRows().use_empty())
    return "the rows are not read";
  if (dispatch.getX().getType().getElementType() !=
      dispatch.getRows().getType().getElementType())
    return "the dispatch changes the element type";
  for (OpOperand &use : dispatch.getRows().getUses()) {
    auto product = dyn_cast<GroupedMatmulOp>(use.getOwner());
    if (!product ||
        use.getOperandNumber() != product.getInputMutable().getOperandNumber())
      return "the rows are read by something other than a grouped matmul";
    if (product.getGather())
      return "the product already gathers";
    if (!product.isGrouped())
      return "the product has no groups";
    if (product->getBlock() != dispatch->getBlock())
      return "the product is in another block";
  }
  return {};
}

struct MoeFuseGatherPass : impl::MoeFuseGatherPassBase<MoeFuseGatherPass> {
  void runOnOperation() override {
    FusionLog log("fuse-gather");
    SmallVector<DispatchOp> dispatches;
    getOperation().walk([&](DispatchOp op) { dispatches.push_back(op); });
    for (DispatchOp dispatch : dispatches) {
      if (StringRef reason = whyNot(dispatch); !reason.empty()) {
        log.refused(dispatch, reason);
        continue;
      }
      for (Operation *user :
           llvm::make_early_inc_range(dispatch.getRows().getUsers())) {
        auto product = cast<GroupedMatmulOp>(user);
        product.getInputMutable().assign(dispatch.getX());
        product.getGatherMutable().assign(dispatch.getSlots());
        if (dispatch.getScale())
          product.getScaleMutable().assign(dispatch.getScale());
        product.setTopK(dispatch.getTopK());
        log.taken(product, "rows are read where they are");
      }
      dispatch.erase();
    }
    log.summarize(getOperation());
  }
};

} // namespace
} // namespace mlir::moe

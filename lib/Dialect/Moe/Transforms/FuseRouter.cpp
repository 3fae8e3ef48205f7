//===- FuseRouter.cpp - The gating product inside the router ------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the description of moe-fuse-router in dialects/moe/MoePasses.td.
//
//===----------------------------------------------------------------------===//

#include "FusionLog.h"
#include "moec/Dialect/Moe/Moe.h"
#include "moec/Dialect/Moe/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MOEFUSEROUTERPASS
#include "moec/Dialect/Moe/MoePasses.h.inc"

namespace {

/// Why `linear`, row `index` of `router`, cannot move into it; empty if it can.
StringRef whyNot(RouterOp router, LinearOp linear, unsigned index) {
  auto isStatic = [](RankedTensorType type) { return type.hasStaticShape(); };
  auto x = cast<RankedTensorType>(linear.getX().getType());
  if (x.getRank() != 2)
    return "the product is of one row, not of a row for each token";
  if (x.isDynamicDim(1) ||
      !isStatic(cast<RankedTensorType>(linear.getWeight().getType())) ||
      (linear.getBias() &&
       !isStatic(cast<RankedTensorType>(linear.getBias().getType()))))
    return "the product's weights are not of static shape";
  if (linear->getBlock() != router->getBlock())
    return "the product is in another block";
  for (OpOperand &use : linear.getResult().getUses()) {
    bool isRow = use.getOwner() == router && use.getOperandNumber() == index;
    if (!isRow && !isa<func::ReturnOp>(use.getOwner()))
      return "the logits are read by something other than the router";
  }
  return {};
}

/// The index of the last row of `router` before `end` that is a product which
/// can move into it. The others are reported.
std::optional<unsigned> findGate(RouterOp router, unsigned end,
                                 FusionLog &log) {
  for (unsigned index = end; index-- > 0;) {
    auto linear = router.getRows()[index].getDefiningOp<LinearOp>();
    if (!linear)
      continue;
    StringRef reason = whyNot(router, linear, index);
    if (reason.empty())
      return index;
    log.refused(router, reason);
  }
  return std::nullopt;
}

/// Rebuilds `router` with the product that makes its row `index` inside.
RouterOp fuse(RouterOp router, unsigned index, FusionLog &log) {
  auto linear = router.getRows()[index].getDefiningOp<LinearOp>();
  Value logits = linear.getResult();
  bool returned = llvm::any_of(logits.getUsers(),
                               [&](Operation *user) { return user != router; });

  SmallVector<Value> rows(router.getRows()), params(router.getParams());
  rows[index] = linear.getX();
  params.push_back(linear.getWeight());
  if (linear.getBias())
    params.push_back(linear.getBias());
  SmallVector<Type> types(router.getResultTypes());
  if (returned)
    types.push_back(logits.getType());

  IRRewriter rewriter(router);
  auto fused = RouterOp::create(rewriter, router.getLoc(), types, rows, params);
  fused->setDiscardableAttrs(router->getDiscardableAttrDictionary());
  fused.getBody().takeBody(router.getBody());
  Block &body = fused.getBody().front();

  auto xType = cast<RankedTensorType>(linear.getX().getType());
  auto zType = cast<RankedTensorType>(logits.getType());
  BlockArgument z = body.getArgument(index);
  Value x = body.insertArgument(
      index, xType.clone(xType.getShape().drop_front(), xType.getElementType()),
      linear.getLoc());
  Value weight =
      body.addArgument(linear.getWeight().getType(), linear.getLoc());
  Value bias = linear.getBias() ? body.addArgument(linear.getBias().getType(),
                                                   linear.getLoc())
                                : Value();
  rewriter.setInsertionPointToStart(&body);
  auto row = LinearOp::create(
      rewriter, linear.getLoc(),
      zType.clone(zType.getShape().drop_front(), zType.getElementType()), x,
      weight, bias, linear.getStrategyAttr(), linear.getRangesAttr());
  z.replaceAllUsesWith(row);
  body.eraseArgument(z.getArgNumber());
  if (returned) {
    fused.getYield().getValuesMutable().append(row.getResult());
    logits.replaceAllUsesExcept(fused.getResults().back(), router);
  }
  rewriter.replaceOp(router,
                     fused.getResults().take_front(router.getNumResults()));
  rewriter.eraseOp(linear);
  log.taken(fused, "the gating product runs inside the router");
  return fused;
}

struct MoeFuseRouterPass : impl::MoeFuseRouterPassBase<MoeFuseRouterPass> {
  void runOnOperation() override {
    FusionLog log("fuse-router");
    SmallVector<RouterOp> routers;
    getOperation().walk([&](RouterOp op) { routers.push_back(op); });
    for (RouterOp router : routers) {
      std::optional<unsigned> index = router.getRows().size();
      while ((index = findGate(router, *index, log)))
        router = fuse(router, *index, log);
    }
    log.summarize(getOperation());
  }
};

} // namespace
} // namespace mlir::moe

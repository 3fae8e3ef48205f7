//===- FuseRouter.cpp - Moves the gating product into the router
//------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the description of moe-fuse-router in dialects/moe/MoePasses.td.
//
//===----------------------------------------------------------------------===//

#include "FusionRemark.h"
#include "moec/Dialect/Moe/Moe.h"
#include "moec/Dialect/Moe/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MOEFUSEROUTERPASS
#include "moec/Dialect/Moe/MoePasses.h.inc"

namespace {

constexpr StringLiteral passName = "fuse-router";

/// The index among the router's rows of a product that can move into it.
std::optional<unsigned> findGate(RouterOp router) {
  for (auto [i, row] : llvm::enumerate(router.getRows())) {
    auto linear = row.getDefiningOp<LinearOp>();
    if (!linear)
      continue;
    bool readElsewhere = llvm::any_of(row.getUsers(), [&](Operation *user) {
      return user != router && !isa<func::ReturnOp>(user);
    });
    if (readElsewhere)
      refused(router, passName,
              "the logits are read by something other than the router");
    else
      return i;
  }
  return std::nullopt;
}

/// Rebuilds `router` with the product that makes its row `index` inside.
void fuse(RouterOp router, unsigned index) {
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
      weight, bias);
  z.replaceAllUsesWith(row);
  body.eraseArgument(z.getArgNumber());
  if (returned) {
    fused.getYield().getValuesMutable().append(row.getResult());
    logits.replaceAllUsesExcept(fused.getResults().back(), router);
  }
  rewriter.replaceOp(router,
                     fused.getResults().take_front(router.getNumResults()));
  rewriter.eraseOp(linear);
  taken(fused, passName, "the gating product runs inside the router");
}

struct MoeFuseRouterPass : impl::MoeFuseRouterPassBase<MoeFuseRouterPass> {
  void runOnOperation() override {
    SmallVector<RouterOp> routers;
    getOperation().walk([&](RouterOp op) { routers.push_back(op); });
    for (RouterOp router : routers)
      if (std::optional<unsigned> index = findGate(router)) {
        fuse(router, *index);
        ++numFused;
      }
  }
};

} // namespace
} // namespace mlir::moe

//===- RouterCanonicalize.cpp - Routers without idle operands or results --===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A router is Pure and its region sees nothing but its arguments, so operands
// that the region does not read and results that nobody reads can go.
//
//===----------------------------------------------------------------------===//

#include "moec/Dialect/Moe/Moe.h"

#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/BitVector.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Operands that appear twice are read once; operands that are not read go. One
/// row stays, because it says how many tokens there are.
struct DropRouterOperandsPattern : OpRewritePattern<RouterOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RouterOp router,
                                PatternRewriter &rewriter) const override {
    Block &body = router.getBody().front();
    size_t numRows = router.getRows().size();
    bool changed = mergeDuplicates(
        router.getRows(), body.getArguments().take_front(numRows), rewriter);
    changed |= mergeDuplicates(
        router.getParams(), body.getArguments().drop_front(numRows), rewriter);

    llvm::BitVector dead(body.getNumArguments());
    for (BlockArgument argument : body.getArguments())
      if (argument.use_empty())
        dead.set(argument.getArgNumber());
    if (dead.find_first_unset_in(0, numRows) == -1)
      dead.reset(0);
    if (dead.none())
      return changed
                 ? success()
                 : rewriter.notifyMatchFailure(router, "every operand is read");

    rewriter.modifyOpInPlace(router, [&] {
      SmallVector<Value> rows, params;
      for (auto [i, operand] : llvm::enumerate(router.getOperands()))
        if (!dead[i])
          (i < numRows ? rows : params).push_back(operand);
      body.eraseArguments(dead);
      router.getRowsMutable().assign(rows);
      router.getParamsMutable().assign(params);
    });
    return success();
  }

  /// Makes readers of a repeated operand's argument read the first one's.
  static bool mergeDuplicates(OperandRange operands,
                              Block::BlockArgListType arguments,
                              PatternRewriter &rewriter) {
    bool changed = false;
    llvm::SmallDenseMap<Value, BlockArgument> first;
    for (auto [operand, argument] : llvm::zip_equal(operands, arguments)) {
      auto [entry, isNew] = first.try_emplace(operand, argument);
      if (isNew || argument.use_empty())
        continue;
      rewriter.replaceAllUsesWith(argument, entry->second);
      changed = true;
    }
    return changed;
  }
};

/// Results that nobody reads go; a result that is another one, or a row as it
/// came, is replaced by that.
struct DropRouterResultsPattern : OpRewritePattern<RouterOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RouterOp router,
                                PatternRewriter &rewriter) const override {
    YieldOp yield = router.getYield();
    for (auto [result, value] :
         llvm::zip_equal(router.getResults(), yield.getValues()))
      if (!result.use_empty())
        if (Value same = findSame(router, result, value))
          rewriter.replaceAllUsesWith(result, same);

    SmallVector<Value> kept, keptResults;
    for (auto [result, value] :
         llvm::zip_equal(router.getResults(), yield.getValues()))
      if (!result.use_empty()) {
        kept.push_back(value);
        keptResults.push_back(result);
      }
    if (kept.size() == router.getNumResults())
      return rewriter.notifyMatchFailure(router, "every result is read");

    rewriter.modifyOpInPlace(yield,
                             [&] { yield.getValuesMutable().assign(kept); });
    auto smaller = RouterOp::create(rewriter, router.getLoc(),
                                    ValueRange(keptResults).getTypes(),
                                    router.getRows(), router.getParams());
    smaller->setDiscardableAttrs(router->getDiscardableAttrDictionary());
    rewriter.inlineRegionBefore(router.getBody(), smaller.getBody(),
                                smaller.getBody().end());
    for (auto [old, replacement] :
         llvm::zip_equal(keptResults, smaller.getResults()))
      rewriter.replaceAllUsesWith(old, replacement);
    rewriter.eraseOp(router);
    return success();
  }

  /// What `result`, of which a row is `value`, is known to be equal to.
  static Value findSame(RouterOp router, OpResult result, Value value) {
    if (router.isRowArg(value)) {
      Value row = router.getOutside(value);
      if (row.getType() == result.getType())
        return row;
    }
    for (unsigned i = 0; i < result.getResultNumber(); ++i)
      if (router.getYield().getOperand(i) == value &&
          router.getResult(i).getType() == result.getType())
        return router.getResult(i);
    return {};
  }
};

} // namespace

void RouterOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<DropRouterOperandsPattern, DropRouterResultsPattern>(context);
}

//===- ExpandMath.cpp - Activations as arithmetic -------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the description of moe-expand-math in dialects/moe/MoeCpuPasses.td.
//
//===----------------------------------------------------------------------===//

#include "moec/Codegen/CPU/Passes.h"
#include "moec/Dialect/Moe/Moe.h"

#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MOEEXPANDMATHPASS
#include "moec/Dialect/Moe/MoeCpuPasses.h.inc"

namespace {

/// 1 in every element of `type`.
Value ones(PatternRewriter &rewriter, Location loc, Type type) {
  return arith::ConstantOp::create(rewriter, loc, rewriter.getOneAttr(type));
}

/// 1 + exp(-x).
Value onePlusExpMinus(PatternRewriter &rewriter, Location loc, Value x) {
  Value minus = arith::NegFOp::create(rewriter, loc, x);
  return arith::AddFOp::create(rewriter, loc,
                               math::ExpOp::create(rewriter, loc, minus),
                               ones(rewriter, loc, x.getType()));
}

struct SigmoidPattern : OpRewritePattern<SigmoidOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SigmoidOp op,
                                PatternRewriter &rewriter) const override {
    if (isa<TensorType>(op.getType()))
      return rewriter.notifyMatchFailure(op, "works on tensors");
    Value divisor = onePlusExpMinus(rewriter, op.getLoc(), op.getX());
    rewriter.replaceOpWithNewOp<arith::DivFOp>(
        op, ones(rewriter, op.getLoc(), op.getType()), divisor);
    return success();
  }
};

struct SiluPattern : OpRewritePattern<SiluOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SiluOp op,
                                PatternRewriter &rewriter) const override {
    if (isa<TensorType>(op.getType()))
      return rewriter.notifyMatchFailure(op, "works on tensors");
    Value divisor = onePlusExpMinus(rewriter, op.getLoc(), op.getX());
    rewriter.replaceOpWithNewOp<arith::DivFOp>(op, op.getX(), divisor);
    return success();
  }
};

struct MoeExpandMathPass : impl::MoeExpandMathPassBase<MoeExpandMathPass> {
  using Base::Base;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SigmoidPattern, SiluPattern>(&getContext());
    populateMathPolynomialApproximationPatterns(patterns);
    if (bf16)
      arith::populateExpandBFloat16Patterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace mlir::moe

//===- DeviceMath.cpp - Activations by the special function unit ----------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exponentials and reciprocals of single f32 numbers. A multiprocessor's unit
// for special functions has them to two units in the last place; dividing and
// polynomials would take more instructions than the products of an epilogue's
// tile leave time for, and a division a branch.
//
//===----------------------------------------------------------------------===//

#include "DeviceMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace moec::nvptx {

namespace {

class SpecialFunctions {
public:
  SpecialFunctions(PatternRewriter &rewriter, Location loc)
      : b(loc, rewriter), f32(b.getF32Type()) {}

  Value exp(Value x);
  Value onePlusExpMinus(Value x);
  Value reciprocal(Value x) {
    return NVVM::RcpApproxFtzF32Op::create(b, f32, x);
  }
  Value multiply(Value x, Value y) { return arith::MulFOp::create(b, x, y); }

private:
  Value number(double value) {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(float(value)));
  }

  ImplicitLocOpBuilder b;
  Type f32;
};

} // namespace

/// e^x = 2^j 2^f, where j is the integer next to x / ln 2 as far as its power
/// is a number; past that, f takes what is left to infinity or to zero.
Value SpecialFunctions::exp(Value x) {
  // The logarithm in two parts, and the sum with which a float's last bit is 1
  // and its lowest bits are those of j + 127.
  constexpr double log2e = 0x1.715476p+0, log2eRest = 0x1.4ae0cp-26,
                   shift = 0x1.8p23 + 127, least = -87, most = 88;
  constexpr int32_t mantissaBits = 23;
  Value within = arith::MinNumFOp::create(
      b, arith::MaxNumFOp::create(b, x, number(least)), number(most));
  Value shifted = math::FmaOp::create(b, within, number(log2e), number(shift));
  Value minusWhole = arith::SubFOp::create(b, number(shift), shifted);
  Value rest = math::FmaOp::create(b, x, number(log2e), minusWhole);
  rest = math::FmaOp::create(b, x, number(log2eRest), rest);
  Value power = LLVM::CallIntrinsicOp::create(
                    b, f32, b.getStringAttr("llvm.nvvm.ex2.approx.ftz.f"), rest)
                    .getResult(0);
  Value bits = arith::BitcastOp::create(b, b.getI32Type(), shifted);
  Value exponent = arith::ShLIOp::create(
      b, bits, arith::ConstantOp::create(b, b.getI32IntegerAttr(mantissaBits)));
  return multiply(power, arith::BitcastOp::create(b, f32, exponent));
}

Value SpecialFunctions::onePlusExpMinus(Value x) {
  return arith::AddFOp::create(b, exp(arith::NegFOp::create(b, x)), number(1));
}

namespace {

/// An activation of one f32 number as `expand` computes it.
template <typename Op, Value (*expand)(SpecialFunctions &, Value)>
struct NumberPattern : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return rewriter.notifyMatchFailure(op, "is not of one f32 number");
    SpecialFunctions unit(rewriter, op.getLoc());
    rewriter.replaceOp(op, expand(unit, op->getOperand(0)));
    return success();
  }
};

} // namespace

static Value expandExp(SpecialFunctions &unit, Value x) { return unit.exp(x); }

static Value expandSigmoid(SpecialFunctions &unit, Value x) {
  return unit.reciprocal(unit.onePlusExpMinus(x));
}

static Value expandSilu(SpecialFunctions &unit, Value x) {
  return unit.multiply(x, expandSigmoid(unit, x));
}

void populateDeviceMathPatterns(RewritePatternSet &patterns) {
  patterns.add<NumberPattern<math::ExpOp, expandExp>,
               NumberPattern<mlir::moe::SigmoidOp, expandSigmoid>,
               NumberPattern<mlir::moe::SiluOp, expandSilu>>(
      patterns.getContext());
}

} // namespace moec::nvptx

//===- RowReductions.cpp - Reductions on the rows of a router -------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.softmax, moe.reduce and moe.normalize: a row becomes a number, by which
// some of them then divide it.
//
//===----------------------------------------------------------------------===//

#include "RowProgram.h"

namespace moec::cpu {

Value RowProgram::reduce(Row row, Value neutral,
                         function_ref<Value(Value, Value)> combine,
                         vector::CombiningKind kind,
                         function_ref<Value(Value)> transform) {
  int64_t cols = row.buffer.cols, whole = cols / e.lanes * e.lanes;
  Value neutrals = e.splat(neutral, e.lanes);
  auto vectorAt = [&](Value col) {
    Value x = loadVector(row, col);
    return transform ? transform(x) : x;
  };
  Value total =
      e.loopCarried(e.index(0), e.index(whole), e.index(e.lanes), neutrals,
                    [&](Value col, ValueRange sum) -> SmallVector<Value> {
                      return {combine(sum[0], vectorAt(col))};
                    })[0];
  if (whole != cols) {
    Value counts =
        arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, e.laneNumbers(),
                              e.splat(e.i32(cols - whole), e.lanes));
    Value last = arith::SelectOp::create(e.b, counts, vectorAt(e.index(whole)),
                                         neutrals);
    total = combine(total, last);
  }
  return vector::ReductionOp::create(e.b, kind, total);
}

/// Adds two vectors; the sum of a row.
static Value sumOf(KernelEmitter &e, Value x, Value y) {
  return arith::AddFOp::create(e.b, x, y);
}

LogicalResult RowProgram::emitSoftmax(moe::SoftmaxOp op) {
  Row x = getRow(op.getX());
  Row result = define(op.getResult());
  // The largest number; a NaN shows in the sum, because exp(NaN) is NaN.
  Value largest = reduce(
      x, e.f32(-std::numeric_limits<double>::infinity()),
      [&](Value a, Value b) -> Value {
        return arith::MaxNumFOp::create(e.b, a, b);
      },
      vector::CombiningKind::MAXNUMF);
  Value shift = e.splat(largest, e.lanes);
  e.forVectors(x.buffer.cols, [&](Value col, Value) {
    Value shifted = arith::SubFOp::create(e.b, loadVector(x, col), shift);
    storeVector(math::ExpOp::create(e.b, shifted), result, col);
  });
  Value sum = reduce(
      result, e.f32(0.0), [&](Value a, Value b) { return sumOf(e, a, b); },
      vector::CombiningKind::ADD);
  Value divisor = e.splat(sum, e.lanes);
  e.forVectors(x.buffer.cols, [&](Value col, Value) {
    storeVector(arith::DivFOp::create(e.b, loadVector(result, col), divisor),
                result, col);
  });
  return success();
}

LogicalResult RowProgram::emitReduce(moe::ReduceOp op) {
  Row x = getRow(op.getX());
  Value result;
  if (op.getKind() == moe::ReduceKind::Sum) {
    result = reduce(
        x, e.f32(0.0), [&](Value a, Value b) { return sumOf(e, a, b); },
        vector::CombiningKind::ADD);
  } else {
    result = reduce(
        x, e.f32(-std::numeric_limits<double>::infinity()),
        [&](Value a, Value b) -> Value {
          return arith::MaximumFOp::create(e.b, a, b);
        },
        vector::CombiningKind::MAXIMUMF);
  }
  bindScalar(op.getResult(), result);
  return success();
}

LogicalResult RowProgram::emitNormalize(moe::NormalizeOp op) {
  Row x = getRow(op.getX());
  Row result = define(op.getResult());
  Value sum = reduce(
      x, e.f32(0.0), [&](Value a, Value b) { return sumOf(e, a, b); },
      vector::CombiningKind::ADD);
  Value eps = arith::ConstantOp::create(
      e.b, FloatAttr::get(e.b.getF32Type(), op.getEps()));
  Value divisor = e.splat(arith::AddFOp::create(e.b, sum, eps), e.lanes);
  e.forVectors(x.buffer.cols, [&](Value col, Value) {
    storeVector(arith::DivFOp::create(e.b, loadVector(x, col), divisor), result,
                col);
  });
  return success();
}

} // namespace moec::cpu

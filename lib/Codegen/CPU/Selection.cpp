//===- Selection.cpp - Choosing experts -----------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scores are compared as integers of the same order, in which NaN is below
// everything and the zeros are equal. Two integers below those of all scores
// stand for NaN and for "taken".
//
//===----------------------------------------------------------------------===//

#include "RowProgram.h"

namespace moec::cpu {

static constexpr int64_t takenKey = std::numeric_limits<int32_t>::min();
static constexpr int64_t nanKey = takenKey + 1;
static constexpr int64_t signBits = 31, magnitude = 0x7fffffff;

/// The bits of a negative float fall as it rises: turning all but the sign
/// around gives integers that rise with the floats. Its own inverse.
static Value turn(KernelEmitter &e, Value bits) {
  Type type = bits.getType();
  auto number = [&](int64_t value) -> Value {
    Value scalar = e.i32(value);
    return isa<VectorType>(type) ? e.splat(scalar, e.lanes) : scalar;
  };
  Value negative = arith::ShRSIOp::create(e.b, bits, number(signBits));
  Value flip = arith::AndIOp::create(e.b, negative, number(magnitude));
  return arith::XOrIOp::create(e.b, bits, flip);
}

Row RowProgram::orderKeys(Row scores) {
  Row keys = scratch(scores.buffer.cols, e.b.getI32Type());
  e.forVectors(scores.buffer.cols, [&](Value col, Value mask) {
    Value score = loadVector(scores, col);
    // -0 + 0 is +0.
    Value sum = arith::AddFOp::create(e.b, score, e.splat(e.f32(0.0), e.lanes));
    Value key = turn(e, arith::BitcastOp::create(e.b, e.i32Vector(), sum));
    Value isNan =
        arith::CmpFOp::create(e.b, arith::CmpFPredicate::UNO, score, score);
    key = arith::SelectOp::create(e.b, isNan, e.splat(e.i32(nanKey), e.lanes),
                                  key);
    if (mask)
      key = arith::SelectOp::create(e.b, mask, key,
                                    e.splat(e.i32(takenKey), e.lanes));
    storeVector(key, keys, col);
  });
  return keys;
}

Value RowProgram::scoreOfKey(Value key) {
  Value score = arith::BitcastOp::create(e.b, e.b.getF32Type(), turn(e, key));
  Value isNan =
      arith::CmpIOp::create(e.b, arith::CmpIPredicate::sle, key, e.i32(nanKey));
  return arith::SelectOp::create(
      e.b, isNan, e.f32(std::numeric_limits<float>::quiet_NaN()), score);
}

void RowProgram::selectLargest(Row keys, int64_t count, Row ids) {
  Value taken = e.splat(e.i32(takenKey), e.lanes);
  int64_t vectors = llvm::alignTo(keys.buffer.cols, e.lanes);
  e.loop(e.index(0), e.index(count), [&](Value i) {
    // Each lane keeps its first largest key.
    SmallVector<Value> best = e.loopCarried(
        e.index(0), e.index(vectors), e.index(e.lanes),
        {taken, e.laneNumbers()},
        [&](Value col, ValueRange carried) -> SmallVector<Value> {
          Value key = loadVector(keys, col);
          Value at = arith::AddIOp::create(
              e.b, e.laneNumbers(),
              e.splat(arith::IndexCastOp::create(e.b, e.b.getI32Type(), col),
                      e.lanes));
          Value larger = arith::CmpIOp::create(e.b, arith::CmpIPredicate::sgt,
                                               key, carried[0]);
          return {arith::SelectOp::create(e.b, larger, key, carried[0]),
                  arith::SelectOp::create(e.b, larger, at, carried[1])};
        });
    // Among the lanes that hold the largest, the lowest index.
    Value largest =
        vector::ReductionOp::create(e.b, vector::CombiningKind::MAXSI, best[0]);
    Value holds = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, best[0],
                                        e.splat(largest, e.lanes));
    Value candidates = arith::SelectOp::create(
        e.b, holds, best[1], e.splat(e.i32(magnitude), e.lanes));
    Value id = vector::ReductionOp::create(e.b, vector::CombiningKind::MINSI,
                                           candidates);
    storeScalar(id, ids, i);
    storeScalar(e.i32(takenKey), keys, e.toIndex(id));
  });
}

LogicalResult RowProgram::emitTopK(moe::TopKOp op) {
  Row keys = orderKeys(getRow(op.getScores()));
  selectLargest(keys, op.getK(), define(op.getIds()));
  return success();
}

void RowProgram::forIds(Row ids, int64_t count,
                        function_ref<void(Value, Value)> body) {
  e.loop(e.index(0), e.index(ids.buffer.cols), [&](Value i) {
    Value id = load(ids, i);
    Value inside =
        arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, id, e.i32(count));
    e.when(inside, [&] { body(i, e.toIndex(id)); });
  });
}

LogicalResult RowProgram::emitTake(moe::TakeOp op) {
  Row source = getRow(op.getSource()), ids = getRow(op.getIds());
  Row result = define(op.getResult());
  e.forVectors(result.buffer.cols, [&](Value col, Value) {
    storeVector(e.splat(e.f32(0.0), e.lanes), result, col);
  });
  forIds(ids, source.buffer.cols,
         [&](Value i, Value id) { storeScalar(load(source, id), result, i); });
  return success();
}

LogicalResult RowProgram::emitExclude(moe::ExcludeOp op) {
  Row source = getRow(op.getSource()), ids = getRow(op.getIds());
  Row result = define(op.getResult());
  e.forVectors(source.buffer.cols, [&](Value col, Value) {
    storeVector(loadVector(source, col), result, col);
  });
  Value fill = arith::ConstantOp::create(
      e.b, FloatAttr::get(e.b.getF32Type(), op.getFill()));
  forIds(ids, source.buffer.cols,
         [&](Value i, Value id) { storeScalar(fill, result, id); });
  return success();
}

LogicalResult RowProgram::emitGroupLimit(moe::GroupLimitOp op) {
  Row scores = getRow(op.getScores());
  int64_t groups = op.getGroups(), size = scores.buffer.cols / groups;
  Type i32 = e.b.getI32Type();
  Row keys = orderKeys(scores);
  Row groupScores = scratch(groups, e.b.getF32Type());
  Row kept = scratch(op.getKeep(), i32);
  Row result = define(op.getResult());

  // The two largest keys of a group, in one pass.
  e.loop(e.index(0), e.index(groups), [&](Value group) {
    Value first = e.mul(group, e.index(size));
    SmallVector<Value> largest =
        e.loopCarried(first, e.add(first, e.index(size)), e.index(1),
                      {e.i32(takenKey), e.i32(takenKey)},
                      [&](Value col, ValueRange best) -> SmallVector<Value> {
                        Value key = load(keys, col);
                        Value loser = arith::MinSIOp::create(e.b, best[0], key);
                        return {arith::MaxSIOp::create(e.b, best[0], key),
                                arith::MaxSIOp::create(e.b, best[1], loser)};
                      });
    Value score = scoreOfKey(largest[0]);
    if (op.getBy() == moe::GroupScore::Top2Sum)
      score = arith::AddFOp::create(e.b, score, scoreOfKey(largest[1]));
    storeScalar(score, groupScores, group);
  });
  selectLargest(orderKeys(groupScores), op.getKeep(), kept);

  Value fill = arith::ConstantOp::create(
      e.b, FloatAttr::get(e.b.getF32Type(), op.getFill()));
  e.forVectors(scores.buffer.cols, [&](Value col, Value) {
    storeVector(e.splat(fill, e.lanes), result, col);
  });
  e.loop(e.index(0), e.index(op.getKeep()), [&](Value i) {
    Value first = e.mul(e.toIndex(load(kept, i)), e.index(size));
    e.loop(first, e.add(first, e.index(size)),
           [&](Value col) { storeScalar(load(scores, col), result, col); });
  });
  return success();
}

LogicalResult RowProgram::emitLookup(moe::LookupOp op) {
  Row table = getRow(op.getTable());
  int64_t size = cast<RankedTensorType>(op.getTable().getType()).getDimSize(0);
  Row ids = define(op.getIds());
  Value index = getScalar(op.getIndex());
  Value limit = arith::ConstantOp::create(e.b, e.b.getI64IntegerAttr(size));
  Value inside =
      arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, index, limit);
  e.loop(e.index(0), e.index(ids.buffer.cols),
         [&](Value i) { storeScalar(e.i32(-1), ids, i); });
  e.when(inside, [&] {
    Row row{table.buffer, e.toIndex(index)};
    e.loop(e.index(0), e.index(ids.buffer.cols), [&](Value i) {
      Value id = load(row, i);
      if (id.getType().isInteger(64))
        id = arith::TruncIOp::create(e.b, e.b.getI32Type(), id);
      storeScalar(id, ids, i);
    });
  });
  return success();
}

} // namespace moec::cpu

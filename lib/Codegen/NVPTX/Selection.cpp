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

#include "llvm/Support/MathExtras.h"

namespace moec::nvptx {

static constexpr int64_t takenKey = std::numeric_limits<int32_t>::min();
static constexpr int64_t nanKey = takenKey + 1;
static constexpr int64_t signBits = 31, magnitude = 0x7fffffff;

/// The bits of a negative float fall as it rises: turning all but the sign
/// around gives integers that rise with the floats. Its own inverse.
static Value turn(DeviceKernel &k, Value bits) {
  Value negative = arith::ShRSIOp::create(k.b, bits, k.i32(signBits));
  return k.bitXor(bits, k.bitAnd(negative, magnitude));
}

Row RowProgram::orderKeys(const Row &scores) {
  Row keys = scores;
  for (auto [reg, score] : llvm::enumerate(scores.registers)) {
    // -0 + 0 is +0.
    Value positive = arith::AddFOp::create(k.b, score, k.f32(0.0));
    Value key =
        turn(k, arith::BitcastOp::create(k.b, k.b.getI32Type(), positive));
    Value isNan =
        arith::CmpFOp::create(k.b, arith::CmpFPredicate::UNO, score, score);
    key = k.select(isNan, nanKey, key);
    if (Value inside = insideOf(scores.cols, reg))
      key = k.select(inside, key, takenKey);
    keys.registers[reg] = key;
  }
  return keys;
}

Value RowProgram::scoreOfKey(Value key) {
  Value score = arith::BitcastOp::create(k.b, k.b.getF32Type(), turn(k, key));
  Value isNan = k.compare(arith::CmpIPredicate::sle, key, nanKey);
  return k.select(isNan, k.f32(std::numeric_limits<float>::quiet_NaN()), score);
}

Row RowProgram::selectLargest(const Row &keys, int64_t count) {
  Row ids = makeRow(count, k.b.getI32Type());
  size_t numKeys = keys.registers.size();
  SmallVector<Value> carried(keys.registers);
  llvm::append_range(carried, ids.registers);
  auto choose = [&](Value place, ValueRange values) -> SmallVector<Value> {
    // Each lane's first largest key, the largest of the warp, and the lowest
    // index that has it.
    Value best = values[0], at = k.lane();
    for (size_t reg = 1; reg < numKeys; ++reg) {
      Value larger = k.compare(arith::CmpIPredicate::sgt, values[reg], best);
      best = k.select(larger, values[reg], best);
      at = k.select(larger, indexIn(reg), at);
    }
    Value largest = k.reduceMax(best);
    Value id = k.reduceMin(k.select(k.equal(best, largest), at, magnitude));
    SmallVector<Value> next;
    for (size_t reg = 0; reg < numKeys; ++reg)
      next.push_back(
          k.select(k.equal(indexIn(reg), id), takenKey, values[reg]));
    for (size_t reg = 0; reg < ids.registers.size(); ++reg)
      next.push_back(
          k.select(k.equal(indexIn(reg), place), id, values[numKeys + reg]));
    return next;
  };
  SmallVector<Value> result = k.loopCarried(0, count, 1, carried, choose);
  ids.registers.assign(result.begin() + numKeys, result.end());
  return ids;
}

LogicalResult RowProgram::emitTopK(moe::TopKOp op) {
  bind(op.getIds(),
       selectLargest(orderKeys(getRow(op.getScores())), op.getK()));
  return success();
}

LogicalResult RowProgram::emitTake(moe::TakeOp op) {
  Row source = getRow(op.getSource()), ids = getRow(op.getIds());
  Row result = ids;
  for (auto [id, x] : llvm::zip(ids.registers, result.registers)) {
    Value inside = k.compare(arith::CmpIPredicate::ult, id, source.cols);
    x = k.select(inside, elementAt(source, id), k.f32(0.0));
  }
  bind(op.getResult(), result);
  return success();
}

SmallVector<Value>
RowProgram::forIds(const Row &ids, ValueRange carried,
                   function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  SmallVector<Value> values(carried);
  for (auto [reg, x] : llvm::enumerate(ids.registers))
    values =
        k.loopCarried(0, std::min(warpSize, ids.cols - int64_t(reg) * warpSize),
                      1, values, [&, x = x](Value lane, ValueRange inner) {
                        return body(k.shuffle(x, lane), inner);
                      });
  return values;
}

LogicalResult RowProgram::emitExclude(moe::ExcludeOp op) {
  Row row = getRow(op.getSource());
  Value fill = arith::ConstantOp::create(
      k.b, FloatAttr::get(k.b.getF32Type(), op.getFill()));
  row.registers = forIds(
      getRow(op.getIds()), row.registers, [&](Value id, ValueRange values) {
        SmallVector<Value> next;
        for (auto [reg, x] : llvm::enumerate(values))
          next.push_back(k.select(k.equal(indexIn(reg), id), fill, x));
        return next;
      });
  bind(op.getResult(), row);
  return success();
}

LogicalResult RowProgram::emitGroupLimit(moe::GroupLimitOp op) {
  Row scores = getRow(op.getScores());
  int64_t groups = op.getGroups(), size = scores.cols / groups;
  Row keys = orderKeys(scores);

  // The two largest keys of each group, kept by the lane of its number.
  auto twoLargest = [&](Value a1, Value a2, Value b1,
                        Value b2) -> std::pair<Value, Value> {
    Value loser = arith::MinSIOp::create(k.b, a1, b1);
    Value second = arith::MaxSIOp::create(k.b, a2, b2);
    return {arith::MaxSIOp::create(k.b, a1, b1),
            arith::MaxSIOp::create(k.b, loser, second)};
  };
  Row groupScores = makeRow(groups, k.b.getF32Type());
  groupScores.registers = k.loopCarried(
      0, groups, 1, groupScores.registers,
      [&](Value group, ValueRange values) -> SmallVector<Value> {
        Value first = k.mul(group, size);
        Value best = k.i32(takenKey), second = k.i32(takenKey);
        for (auto [reg, key] : llvm::enumerate(keys.registers)) {
          Value inGroup = k.compare(arith::CmpIPredicate::ult,
                                    k.sub(indexIn(reg), first), size);
          std::tie(best, second) = twoLargest(
              best, second, k.select(inGroup, key, takenKey), k.i32(takenKey));
        }
        for (int64_t mask = warpSize / 2; mask > 0; mask /= 2) {
          Value otherBest = k.shuffleXor(best, mask);
          Value otherSecond = k.shuffleXor(second, mask);
          std::tie(best, second) =
              twoLargest(best, second, otherBest, otherSecond);
        }
        Value score = scoreOfKey(best);
        if (op.getBy() == moe::GroupScore::Top2Sum)
          score = arith::AddFOp::create(k.b, score, scoreOfKey(second));
        SmallVector<Value> next;
        for (auto [reg, x] : llvm::enumerate(values))
          next.push_back(k.select(k.equal(indexIn(reg), group), score, x));
        return next;
      });

  Row kept = selectLargest(orderKeys(groupScores), op.getKeep());
  Value fill = arith::ConstantOp::create(
      k.b, FloatAttr::get(k.b.getF32Type(), op.getFill()));
  Row result = scores;
  llvm::fill(result.registers, fill);
  result.registers =
      forIds(kept, result.registers, [&](Value group, ValueRange values) {
        Value first = k.mul(group, size);
        SmallVector<Value> next;
        for (auto [reg, x] : llvm::enumerate(values)) {
          Value inGroup = k.compare(arith::CmpIPredicate::ult,
                                    k.sub(indexIn(reg), first), size);
          next.push_back(k.select(inGroup, scores.registers[reg], x));
        }
        return next;
      });
  bind(op.getResult(), result);
  return success();
}

LogicalResult RowProgram::emitLookup(moe::LookupOp op) {
  Memory table = tables.lookup(op.getTable());
  int64_t size = cast<RankedTensorType>(op.getTable().getType()).getDimSize(0);
  Value index = getScalar(op.getIndex());
  Value inside = k.compare(arith::CmpIPredicate::ult, index, size);
  // A row that is there, whatever the index.
  Value row = k.select(inside, index, 0);
  Row ids = load(table, row, op.getIds().getType().getDimSize(0));
  for (Value &id : ids.registers) {
    if (id.getType().isInteger(64))
      id = arith::TruncIOp::create(k.b, k.b.getI32Type(), id);
    id = k.select(inside, id, -1);
  }
  bind(op.getIds(), ids);
  return success();
}

} // namespace moec::nvptx

//===- Grouping.cpp - Sorting choices by expert ---------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.group and moe.capacity. Both count in token order, so one thread does
// them; they touch four bytes per choice.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

namespace moec::cpu {

namespace {

/// Scalar access to i32 buffers.
struct Numbers {
  KernelEmitter &e;

  Value load(const Buffer &buffer, Value row, Value col) {
    return memref::LoadOp::create(e.b, buffer.memref, ValueRange{row, col});
  }
  void store(Value value, const Buffer &buffer, Value row, Value col) {
    memref::StoreOp::create(e.b, value, buffer.memref, ValueRange{row, col});
  }
  /// Adds one and returns what was there.
  Value increment(const Buffer &buffer, Value row, Value col) {
    Value old = load(buffer, row, col);
    store(e.add(old, e.i32(1)), buffer, row, col);
    return old;
  }
  /// 0 <= id < experts, in one unsigned comparison.
  Value isExpert(Value id, int64_t experts) {
    return arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, id,
                                 e.i32(experts));
  }
};

} // namespace

/// Lists slots by expert: a counting sort, stable because it goes through the
/// slots in rising order.
LogicalResult lowerGroup(KernelLowering &k, moe::GroupOp op) {
  KernelEmitter &e = k.e;
  Numbers numbers{e};
  int64_t experts = static_cast<int64_t>(op.getExperts());
  Buffer ids = k.get(op.getIds());
  Type i32 = e.b.getI32Type();
  // offsets has one row; next[expert + 1] is where its next slot goes.
  Buffer offsets = e.allocate({.fixed = 1}, experts + 1, i32);
  Buffer next = e.allocate({.fixed = 1}, experts + 1, i32);
  int64_t choices = ids.cols;
  Buffer slots = [&] {
    Buffer dense = e.allocateDense({.perToken = choices}, /*cols=*/1, i32);
    // Seen as one row, as offsets is.
    return e.atEntry([&]() -> Buffer {
      auto type =
          MemRefType::get({1, ShapedType::kDynamic}, i32,
                          StridedLayoutAttr::get(e.b.getContext(), 0,
                                                 {ShapedType::kDynamic, 1}));
      Value view = memref::ReinterpretCastOp::create(
          e.b, type, dense.memref, OpFoldResult(e.b.getIndexAttr(0)),
          ArrayRef<OpFoldResult>{e.b.getIndexAttr(1), dense.rows},
          ArrayRef<OpFoldResult>{dense.rows, e.b.getIndexAttr(1)});
      return {view, dense.rows, choices};
    });
  }();
  k.set(op.getOffsets(), offsets);
  k.set(op.getSlots(), slots);

  Value zero = e.index(0), one = e.index(1);
  auto forChoices = [&](function_ref<void(Value, Value, Value)> body) {
    e.loop(zero, e.tokens, [&](Value token) {
      e.loop(zero, e.index(choices), [&](Value choice) {
        Value id = numbers.load(ids, token, choice);
        e.when(numbers.isExpert(id, experts),
               [&] { body(token, choice, e.toIndex(id)); });
      });
    });
  };
  e.byOneThread([&] {
    e.loop(zero, e.index(experts + 1),
           [&](Value i) { numbers.store(e.i32(0), offsets, zero, i); });
    forChoices([&](Value token, Value choice, Value expert) {
      numbers.increment(offsets, zero, e.add(expert, one));
    });
    e.loop(zero, e.index(experts), [&](Value expert) {
      Value start = numbers.load(offsets, zero, expert);
      Value after = e.add(expert, one);
      numbers.store(start, next, zero, expert);
      numbers.store(e.add(start, numbers.load(offsets, zero, after)), offsets,
                    zero, after);
    });
    forChoices([&](Value token, Value choice, Value expert) {
      Value slot = e.add(e.mul(token, e.index(choices)), choice);
      Value place = e.toIndex(numbers.increment(next, zero, expert));
      numbers.store(arith::IndexCastOp::create(e.b, i32, slot), slots, zero,
                    place);
    });
  });
  return success();
}

LogicalResult lowerCapacity(KernelLowering &k, moe::CapacityOp op) {
  KernelEmitter &e = k.e;
  Numbers numbers{e};
  int64_t experts = static_cast<int64_t>(op.getExperts());
  Buffer ids = k.get(op.getIds()), weights = k.get(op.getWeights());
  Buffer keptIds = k.allocateResult(op.getKeptIds());
  Buffer keptWeights = k.allocateResult(op.getKeptWeights());
  Buffer taken = e.allocate({.fixed = 1}, experts, e.b.getI32Type());
  Value limit = k.getScalar(op.getLimit()), per = k.getScalar(op.getPer());
  if (!limit || !per)
    return op.emitOpError("'limit' and 'per' are not computed in the layer");

  Value zero = e.index(0);
  auto place = [&](Value token, Value choice) {
    Value id = numbers.load(ids, token, choice);
    numbers.store(id, keptIds, token, choice);
    numbers.store(numbers.load(weights, token, choice), keptWeights, token,
                  choice);
    e.when(numbers.isExpert(id, experts), [&] {
      Value before = e.toIndex(numbers.increment(taken, zero, e.toIndex(id)));
      Value late =
          arith::CmpIOp::create(e.b, arith::CmpIPredicate::sge, before, limit);
      e.when(late, [&] {
        numbers.store(e.i32(-1), keptIds, token, choice);
        numbers.store(e.f32(0.0), keptWeights, token, choice);
      });
    });
  };
  Value choices = e.index(ids.cols);
  e.byOneThread([&] {
    e.loop(zero, e.tokens, per, [&](Value start) {
      Value end = arith::MinSIOp::create(e.b, e.add(start, per), e.tokens);
      e.loop(zero, e.index(experts), [&](Value expert) {
        numbers.store(e.i32(0), taken, zero, expert);
      });
      bool byToken = op.getOrder() == moe::CapacityOrder::Token;
      auto outer = byToken ? std::pair(start, end) : std::pair(zero, choices);
      auto inner = byToken ? std::pair(zero, choices) : std::pair(start, end);
      e.loop(outer.first, outer.second, [&](Value i) {
        e.loop(inner.first, inner.second,
               [&](Value j) { byToken ? place(i, j) : place(j, i); });
      });
    });
  });
  return success();
}

} // namespace moec::cpu

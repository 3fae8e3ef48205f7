//===- Capacity.cpp - Choices within experts' limits ----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.capacity, in one block.
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"

namespace moec::nvptx {

/// A thread for each expert goes through all choices; one more takes those
/// that are no expert's.
static LogicalResult emitCapacity(LayerLowering &l, moe::CapacityOp op,
                                  DeviceKernel &k) {
  int64_t experts = op.getExperts(), choices = l.get(op.getKeptIds()).cols;
  FailureOr<Value> limitIndex = l.scalar(k, op.getLimit(), op);
  FailureOr<Value> perIndex = l.scalar(k, op.getPer(), op);
  if (failed(limitIndex) || failed(perIndex))
    return failure();
  Value limit = k.toI32(*limitIndex), per = k.toI32(*perIndex);
  Memory ids = l.use(k, op.getIds()), weights = l.use(k, op.getWeights());
  Memory toIds = l.use(k, op.getKeptIds()),
         toWeights = l.use(k, op.getKeptWeights());
  auto place = [&](Value expert, Value token, Value choice,
                   Value taken) -> Value {
    Value id = k.load(ids, token, choice);
    Value known = k.compare(arith::CmpIPredicate::ult, id, experts);
    Value mine = k.equal(k.select(known, id, experts), expert);
    Value late =
        k.both(known, k.compare(arith::CmpIPredicate::sge, taken, limit));
    k.when(mine, [&] {
      k.store(k.select(late, -1, id), toIds, token, choice);
      k.store(k.select(late, k.f32(0.0), k.load(weights, token, choice)),
              toWeights, token, choice);
    });
    return k.add(taken, k.select(mine, k.i32(1), 0));
  };
  bool byToken = op.getOrder() == moe::CapacityOrder::Token;
  auto forBatch = [&](Value expert, Value start) {
    Value end = k.min(k.add(start, per), k.tokens());
    Number outerFrom = byToken ? Number(start) : Number(0);
    Number outerTo = byToken ? Number(end) : Number(choices);
    Number innerFrom = byToken ? Number(0) : Number(start);
    Number innerTo = byToken ? Number(choices) : Number(end);
    k.loopCarried(outerFrom, outerTo, 1, k.i32(0),
                  [&](Value i, ValueRange taken) -> SmallVector<Value> {
                    return k.loopCarried(
                        innerFrom, innerTo, 1, taken,
                        [&](Value j, ValueRange inner) -> SmallVector<Value> {
                          return {byToken ? place(expert, i, j, inner[0])
                                          : place(expert, j, i, inner[0])};
                        });
                  });
  };
  k.loop(k.thread(), experts + 1, k.threads, [&](Value expert) {
    k.loop(0, k.tokens(), per, [&](Value start) { forBatch(expert, start); });
  });
  return success();
}

LogicalResult lowerCapacity(LayerLowering &l, moe::CapacityOp op) {
  l.allocateResult(op.getKeptIds());
  l.allocateResult(op.getKeptWeights());
  return l.onTokens(op.getLoc(), "capacity", [&l, op](DeviceKernel &k) {
    return emitCapacity(l, op, k);
  });
}

} // namespace moec::nvptx

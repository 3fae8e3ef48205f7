//===- Capacity.cpp - experts that fill up ----------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.capacity, the one routing operation that looks across tokens.
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

using namespace llvm;
namespace moe = mlir::moe;

namespace moec::reference {

/// The slots of the tokens [begin, end) in the order they are served.
static std::vector<int64_t> servingOrder(int64_t begin, int64_t end,
                                         int64_t topK,
                                         moe::CapacityOrder order) {
  std::vector<int64_t> slots;
  if (order == moe::CapacityOrder::Token) {
    for (int64_t slot = begin * topK; slot < end * topK; ++slot)
      slots.push_back(slot);
    return slots;
  }
  for (int64_t choice = 0; choice < topK; ++choice)
    for (int64_t token = begin; token < end; ++token)
      slots.push_back(token * topK + choice);
  return slots;
}

static Error evaluateCapacity(moe::CapacityOp op, Frame &frame) {
  Tensor ids = frame[op.getIds()], weights = frame[op.getWeights()];
  if (Error error = checkSameShape(op, ids, weights))
    return error;
  int64_t limit = frame[op.getLimit()].ints[0];
  int64_t per = frame[op.getPer()].ints[0];
  int64_t tokens = ids.shape[0], topK = ids.shape[1];
  if (limit < 0 || (per < 1 && tokens > 0))
    return errorAt(op, fmt::format("'limit' is {} and 'per' {}; a run has 1 "
                                   "token or more, and a limit from 0 up",
                                   limit, per));
  auto experts = static_cast<int64_t>(op.getExperts());
  weights.error.resize(weights.value.size());
  for (int64_t begin = 0; begin < tokens;) {
    int64_t end = tokens - begin > per ? begin + per : tokens;
    std::vector<int64_t> taken(static_cast<size_t>(experts), 0);
    for (int64_t slot : servingOrder(begin, end, topK, op.getOrder())) {
      int64_t expert = ids.ints[slot];
      if (expert < 0 || expert >= experts || taken[expert]++ < limit)
        continue;
      ids.ints[slot] = -1;
      weights.set(slot, {0, 0});
    }
    begin = end;
  }
  frame.define(op.getKeptIds(), std::move(ids));
  frame.define(op.getKeptWeights(), std::move(weights));
  return Error::success();
}

void addCapacity(OpTable &table) { table.add(evaluateCapacity); }

} // namespace moec::reference

//===- ExpertOps.cpp - grouping, dispatch and combine -----------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operations around the experts' products. Their meaning is in
// dialects/moe/MoeExpertOps.td.
//
//===----------------------------------------------------------------------===//

#include "Experts.h"

using namespace llvm;
namespace moe = mlir::moe;

namespace moec::reference {

static Error evaluateGroup(moe::GroupOp op, Frame &frame) {
  const Tensor &ids = frame[op.getIds()];
  auto experts = static_cast<int64_t>(op.getExperts());
  Tensor offsets = Tensor::integers({experts + 1});
  Tensor slots = Tensor::integers({0});
  for (int64_t expert = 0; expert < experts; ++expert) {
    for (int64_t slot = 0; slot < ids.size(); ++slot)
      if (ids.ints[slot] == expert)
        slots.ints.push_back(slot);
    offsets.ints[expert + 1] = static_cast<int64_t>(slots.ints.size());
  }
  slots.shape[0] = static_cast<int64_t>(slots.ints.size());
  frame.define(op.getOffsets(), std::move(offsets));
  frame.define(op.getSlots(), std::move(slots));
  return Error::success();
}

Expected<int64_t> tokenOf(mlir::Operation *op, int64_t slot, int64_t topK,
                          int64_t tokens) {
  if (slot < 0 || slot / topK >= tokens)
    return errorAt(op, fmt::format("slot {} of {} tokens with {} choices each",
                                   slot, tokens, topK));
  return slot / topK;
}

static Error evaluateDispatch(moe::DispatchOp op, Frame &frame) {
  const Tensor &x = frame[op.getX()], &slots = frame[op.getSlots()];
  auto topK = static_cast<int64_t>(op.getTopK());
  const Tensor *scale = op.getScale() ? &frame[op.getScale()] : nullptr;
  if (scale && scale->shape[0] != x.shape[0])
    return errorAt(op, fmt::format("'scale' has {} rows, 'x' {}",
                                   scale->shape[0], x.shape[0]));
  int64_t width = x.shape[1];
  const Format &format = formatOf(op.getType());
  Tensor rows = Tensor::floats({slots.size(), width});
  for (int64_t i = 0; i < slots.size(); ++i) {
    int64_t slot = slots.ints[i];
    Expected<int64_t> token = tokenOf(op, slot, topK, x.shape[0]);
    if (!token)
      return token.takeError();
    for (int64_t h = 0; h < width; ++h) {
      Number value = x.at(*token * width + h);
      if (scale)
        value = multiply(value, scale->at(slot), f32Format);
      rows.set(i * width + h, converted(value, format));
    }
  }
  frame.define(op, std::move(rows));
  return Error::success();
}

Expected<Tensor> combineRows(mlir::Operation *op, const Tensor &rows,
                             const Tensor &weights, const Tensor &slots,
                             const Tensor *onto, const Format &format) {
  int64_t tokens = weights.shape[0], topK = weights.shape[1];
  int64_t width = rows.shape[1];
  std::vector<int64_t> rowOfSlot(static_cast<size_t>(tokens * topK), -1);
  for (int64_t i = 0; i < slots.size(); ++i) {
    int64_t slot = slots.ints[i];
    if (slot < 0 || slot >= tokens * topK || rowOfSlot[slot] != -1 ||
        i >= rows.shape[0])
      return errorAt(op, fmt::format("slot {} at {}: there are {} rows for {} "
                                     "tokens with {} choices, each once",
                                     slot, i, rows.shape[0], tokens, topK));
    rowOfSlot[slot] = i;
  }
  if (onto && onto->shape != Shape{tokens, width})
    return errorAt(op, fmt::format("'onto' has the shape {}, the result {}",
                                   formatShape(onto->shape),
                                   formatShape({tokens, width})));
  Tensor result = Tensor::floats({tokens, width});
  Tensor factors = Tensor::floats({topK + 1}), values = factors;
  for (int64_t token = 0; token < tokens; ++token)
    for (int64_t h = 0; h < width; ++h) {
      int64_t terms = 0;
      auto addTerm = [&](Number factor, Number value) {
        factors.set(terms, factor);
        values.set(terms++, value);
      };
      if (onto)
        addTerm({1, 0}, onto->at(token * width + h));
      for (int64_t slot = token * topK; slot < (token + 1) * topK; ++slot)
        if (rowOfSlot[slot] != -1)
          addTerm(weights.at(slot), rows.at(rowOfSlot[slot] * width + h));
      result.set(token * width + h,
                 converted(dot(factors.span(0, terms), values.span(0, terms)),
                           format));
    }
  return result;
}

static Error evaluateCombine(moe::CombineOp op, Frame &frame) {
  Expected<Tensor> result =
      combineRows(op, frame[op.getRows()], frame[op.getWeights()],
                  frame[op.getSlots()], nullptr, formatOf(op.getType()));
  if (!result)
    return result.takeError();
  frame.define(op, std::move(*result));
  return Error::success();
}

static Error evaluateIdentity(moe::IdentityExpertsOp op, Frame &frame) {
  const Tensor &x = frame[op.getX()], &ids = frame[op.getIds()];
  const Tensor &weights = frame[op.getWeights()];
  if (Error error = checkSameShape(op, ids, weights))
    return error;
  if (ids.shape[0] != x.shape[0])
    return errorAt(
        op, fmt::format("'ids' has {} rows, 'x' {}", ids.shape[0], x.shape[0]));
  auto from = static_cast<int64_t>(op.getFrom());
  int64_t topK = ids.shape[1], width = x.shape[1];
  Tensor result = Tensor::floats(x.shape);
  for (int64_t token = 0; token < x.shape[0]; ++token) {
    for (int64_t h = 0; h < width; ++h) {
      SmallVector<Number> terms;
      for (int64_t j = 0; j < topK; ++j)
        if (ids.ints[token * topK + j] >= from)
          terms.push_back(multiply(weights.at(token * topK + j),
                                   x.at(token * width + h), f32Format));
      result.set(token * width + h, sum(terms));
    }
  }
  frame.define(op, std::move(result));
  return Error::success();
}

void addExpertOps(OpTable &table) {
  table.add(evaluateGroup);
  table.add(evaluateDispatch);
  table.add(evaluateCombine);
  table.add(evaluateIdentity);
}

} // namespace moec::reference

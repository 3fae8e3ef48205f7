//===- SelectionOps.cpp - the operations that choose ------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.top_k and moe.group_limit. Both note how clear their choice was, and take
// another one that is as good where they are asked to.
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
namespace moe = mlir::moe;

namespace moec::reference {

static Error evaluateTopK(moe::TopKOp op, Frame &frame) {
  const Tensor &row = frame[op.getScores()];
  SmallVector<Number> scores;
  for (int64_t i = 0; i < row.size(); ++i)
    scores.push_back(row.at(i));
  Selection selection =
      selectBest(scores, static_cast<int64_t>(op.getK()), /*isOrdered=*/true,
                 frame.evaluator.preferredIds());
  frame.evaluator.noteChoice(selection.clearness);
  Tensor ids = Tensor::integers({static_cast<int64_t>(op.getK())});
  llvm::copy(selection.picks, ids.ints.begin());
  frame.define(op, std::move(ids));
  return Error::success();
}

/// The sum of the `count` largest of `values`; a NaN is below everything.
static double sumOfLargest(SmallVector<double> values, size_t count) {
  auto isLarger = [](double a, double b) {
    return std::isnan(b) ? !std::isnan(a) : a > b;
  };
  llvm::sort(values, isLarger);
  double sum = 0;
  for (double value : ArrayRef(values).take_front(count))
    sum += value;
  return sum;
}

/// The score of a group. Largest elements move by no more than the elements
/// themselves: all of them up and all of them down give the bounds.
static Number scoreOf(ArrayRef<Number> group, moe::GroupScore by) {
  size_t count = by == moe::GroupScore::Max ? 1 : 2;
  SmallVector<double> values, low, high;
  for (Number number : group) {
    if (number.error == infinity)
      return {number.value, infinity};
    values.push_back(number.value);
    low.push_back(number.value - number.error);
    high.push_back(number.value + number.error);
  }
  Number score{sumOfLargest(values, count), 0};
  if (std::isfinite(score.value))
    score.error = std::max(sumOfLargest(high, count) - score.value,
                           score.value - sumOfLargest(low, count));
  return count == 1 ? score : rounded(score, f32Format);
}

static Error evaluateGroupLimit(moe::GroupLimitOp op, Frame &frame) {
  Tensor row = frame[op.getScores()];
  auto groups = static_cast<int64_t>(op.getGroups());
  int64_t size = row.size() / groups;
  SmallVector<Number> scores;
  for (int64_t group = 0; group < groups; ++group) {
    SmallVector<Number> members;
    for (int64_t i = group * size; i < (group + 1) * size; ++i)
      members.push_back(row.at(i));
    scores.push_back(scoreOf(members, op.getBy()));
  }
  SmallVector<int64_t> preferred;
  for (int64_t id : frame.evaluator.preferredIds())
    if (id >= 0)
      preferred.push_back(id / size);
  Selection selection = selectBest(scores, static_cast<int64_t>(op.getKeep()),
                                   /*isOrdered=*/false, preferred);
  frame.evaluator.noteChoice(selection.clearness);
  row.error.resize(row.value.size());
  for (int64_t i = 0; i < row.size(); ++i)
    if (!is_contained(selection.picks, i / size))
      row.set(i, {op.getFill().convertToDouble(), 0});
  frame.define(op, std::move(row));
  return Error::success();
}

void addSelectionOps(OpTable &table) {
  table.add(evaluateTopK);
  table.add(evaluateGroupLimit);
}

} // namespace moec::reference

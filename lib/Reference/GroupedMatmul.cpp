//===- GroupedMatmul.cpp - the experts' products ----------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.grouped_matmul with its three slots, expert by expert, so that one
// expert's matrices are in memory at a time.
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "Experts.h"

using namespace llvm;
namespace moe = mlir::moe;

namespace moec::reference {

namespace {

/// One evaluation of the operation.
class GroupedMatmul {
public:
  GroupedMatmul(moe::GroupedMatmulOp op, Frame &frame)
      : op(op), frame(frame), input(frame[op.getInput()]),
        gather(op.getGather() ? &frame[op.getGather()] : nullptr),
        scale(op.getScale() ? &frame[op.getScale()] : nullptr),
        topK(op.getTopK() ? static_cast<int64_t>(*op.getTopK()) : 1) {}

  Error run();

private:
  Error findGroups();
  Expected<int64_t> inputRow(int64_t i);
  Expected<TensorRef> accumulate(mlir::Value stack, int64_t expert);
  Expected<TensorRef> column(mlir::Value column, int64_t expert);
  Error runExpert(int64_t expert);

  int64_t begin(int64_t expert) const { return offsets[expert]; }
  int64_t count(int64_t expert) const {
    return offsets[expert + 1] - offsets[expert];
  }

  moe::GroupedMatmulOp op;
  Frame &frame;
  const Tensor &input, *gather, *scale;
  int64_t topK;
  /// Rows before gathering is undone: one for each slot.
  int64_t rows = 0;
  std::vector<int64_t> offsets;
  Tensor result;
};

} // namespace

/// Sets `rows` and `offsets`.
Error GroupedMatmul::findGroups() {
  rows = gather ? gather->size() : input.shape[0];
  if (scale && scale->shape != Shape{input.shape[0], topK})
    return errorAt(op, fmt::format("'scale' has the shape {} for {} tokens",
                                   formatShape(scale->shape), input.shape[0]));
  if (!op.isGrouped()) {
    offsets = {0, rows};
    return Error::success();
  }
  offsets = frame[op.getOffsets()].ints;
  for (size_t i = 0; i < offsets.size(); ++i)
    if (offsets[i] < (i ? offsets[i - 1] : 0) || offsets[i] > rows)
      return errorAt(op,
                     fmt::format("offset {} is {} after {}, with {} rows", i,
                                 offsets[i], i ? offsets[i - 1] : 0, rows));
  return Error::success();
}

/// The row of the input that row `i` reads.
Expected<int64_t> GroupedMatmul::inputRow(int64_t i) {
  if (!gather)
    return i;
  return tokenOf(op, gather->ints[i], topK, input.shape[0]);
}

/// The accumulators of one weight: [rows of the expert, N].
Expected<TensorRef> GroupedMatmul::accumulate(mlir::Value stack,
                                              int64_t expert) {
  Expected<TensorRef> matrix =
      op.isGrouped() ? frame.evaluator.expert(stack, expert, frame)
                     : frame.evaluator.whole(stack, frame);
  if (!matrix)
    return matrix.takeError();
  int64_t n = op.getN(), width = op.getK();
  Tensor sums = Tensor::floats({count(expert), n});
  for (int64_t i = 0; i < count(expert); ++i) {
    int64_t row = begin(expert) + i;
    Expected<int64_t> from = inputRow(row);
    if (!from)
      return from.takeError();
    for (int64_t column = 0; column < n; ++column) {
      Number value = dot((*matrix)->span(column * width, width),
                         input.span(*from * width, width));
      if (scale)
        value = multiply(value, scale->at(gather->ints[row]), f32Format);
      sums.set(i * n + column, value);
    }
  }
  return std::make_shared<Tensor>(std::move(sums));
}

/// An operand of `columns`, repeated for each row of the expert.
Expected<TensorRef> GroupedMatmul::column(mlir::Value column, int64_t expert) {
  Expected<TensorRef> row = op.isGrouped()
                                ? frame.evaluator.expert(column, expert, frame)
                                : frame.evaluator.whole(column, frame);
  if (!row)
    return row.takeError();
  int64_t n = op.getN();
  Tensor repeated = Tensor::floats({count(expert), n});
  for (int64_t i = 0; i < repeated.size(); ++i)
    repeated.set(i, (*row)->at(i % n));
  return std::make_shared<Tensor>(std::move(repeated));
}

Error GroupedMatmul::runExpert(int64_t expert) {
  SmallVector<TensorRef> arguments;
  for (mlir::Value stack : op.getWeights()) {
    Expected<TensorRef> sums = accumulate(stack, expert);
    if (!sums)
      return sums.takeError();
    arguments.push_back(*sums);
  }
  for (mlir::Value operand : op.getColumns()) {
    Expected<TensorRef> values = column(operand, expert);
    if (!values)
      return values.takeError();
    arguments.push_back(*values);
  }
  TensorRef value = arguments.front();
  if (op.hasEpilogue()) {
    Expected<SmallVector<TensorRef>> yielded = evaluateForAll(
        op.getEpilogue().front(), arguments, value->shape, frame);
    if (!yielded)
      return yielded.takeError();
    value = yielded->front();
  }
  // Combined rows are rounded after they have been added.
  const Format &format =
      op.getCombineWeights() ? f32Format : formatOf(op.getType());
  int64_t first = begin(expert) * op.getN();
  for (int64_t i = 0; i < value->size(); ++i)
    result.set(first + i, converted(value->at(i), format));
  return Error::success();
}

Error GroupedMatmul::run() {
  if (Error error = findGroups())
    return error;
  // Rows that belong to no expert stay zero; nobody reads them.
  result = Tensor::floats({rows, op.getN()});
  for (int64_t expert = 0; expert < op.getNumExperts(); ++expert)
    if (count(expert) > 0)
      if (Error error = runExpert(expert))
        return error;
  if (!op.getCombineWeights()) {
    frame.define(op, std::move(result));
    return Error::success();
  }
  const Tensor *onto = op.getOnto() ? &frame[op.getOnto()] : nullptr;
  Expected<Tensor> combined =
      combineRows(op, result, frame[op.getCombineWeights()],
                  frame[op.getCombineSlots()], onto, formatOf(op.getType()));
  if (!combined)
    return combined.takeError();
  frame.define(op, std::move(*combined));
  return Error::success();
}

static Error evaluateGroupedMatmul(moe::GroupedMatmulOp op, Frame &frame) {
  return GroupedMatmul(op, frame).run();
}

void addGroupedMatmul(OpTable &table) {
  table.add(evaluateGroupedMatmul, /*isLazy=*/true);
}

} // namespace moec::reference

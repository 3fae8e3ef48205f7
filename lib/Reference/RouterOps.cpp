//===- RouterOps.cpp - the router and its row operations --------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.router, moe.linear, and the operations on rows that choose nothing. Their
// meaning is in dialects/moe/MoeRouterOps.td.
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

using namespace llvm;
namespace moe = mlir::moe;

namespace moec::reference {

/// Copies `row` to row `index` of `stack`, which gets its shape from the first.
static void appendRow(Tensor &stack, const Tensor &row, int64_t index,
                      int64_t rows) {
  if (index == 0) {
    stack.kind = row.kind;
    stack.shape.assign(1, rows);
    stack.shape.append(row.shape.begin(), row.shape.end());
  }
  stack.value.insert(stack.value.end(), row.value.begin(), row.value.end());
  stack.ints.insert(stack.ints.end(), row.ints.begin(), row.ints.end());
  bool isUncertain = row.kind != Kind::Float && !row.error.empty();
  if (row.kind == Kind::Float || isUncertain) {
    // What has no errors stands for zeros.
    stack.error.resize(stack.kind == Kind::Float
                           ? stack.value.size() - row.value.size()
                           : stack.ints.size() - row.ints.size());
    for (int64_t i = 0; i < row.size(); ++i)
      stack.error.push_back(row.errorAt(i));
  } else if (!stack.error.empty()) {
    stack.error.resize(stack.ints.size());
  }
}

/// The result of a router without tokens.
static Tensor emptyResult(mlir::Type type) {
  auto tensorType = cast<mlir::RankedTensorType>(type);
  Shape shape(tensorType.getShape());
  shape[0] = 0;
  if (isa<mlir::FloatType>(tensorType.getElementType()))
    return Tensor::floats(shape);
  return Tensor::integers(shape);
}

static Error evaluateRouter(moe::RouterOp op, Frame &frame) {
  int64_t tokens = frame[op.getRows()[0]].shape[0];
  for (mlir::Value rows : op.getRows())
    if (frame[rows].shape[0] != tokens)
      return errorAt(op, fmt::format("'rows' have {} and {} tokens", tokens,
                                     frame[rows].shape[0]));
  mlir::Block &body = op.getBody().front();
  mlir::ValueRange yielded = op.getYield().getValues();
  SmallVector<Tensor> results(op.getNumResults());
  for (auto [result, type] : zip_equal(results, op.getResultTypes()))
    if (tokens == 0)
      result = emptyResult(type);

  Evaluator &evaluator = frame.evaluator;
  for (int64_t token = 0; token < tokens; ++token) {
    Frame row(evaluator);
    for (auto [i, rows] : enumerate(op.getRows()))
      row.define(op.getRowArg(static_cast<unsigned>(i)),
                 frame[rows].row(token));
    for (auto [i, param] : enumerate(op.getParams()))
      row.define(op.getParamArg(static_cast<unsigned>(i)), frame.ref(param));
    evaluator.row = token;
    Error error = evaluator.evaluateBody(body, row);
    evaluator.row = -1;
    if (error)
      return error;
    for (auto [result, value] : zip_equal(results, yielded))
      appendRow(result, row[value], token, tokens);
  }
  for (auto [value, result] : zip_equal(op.getResults(), results))
    frame.define(value, std::move(result));
  return Error::success();
}

static Error evaluateLinear(moe::LinearOp op, Frame &frame) {
  const Tensor &x = frame[op.getX()], &weight = frame[op.getWeight()];
  int64_t columns = weight.shape[0], width = weight.shape[1];
  if (x.shape.back() != width)
    return errorAt(
        op, fmt::format("'x' is {} wide, 'weight' {}", x.shape.back(), width));
  Shape shape = x.shape;
  shape.back() = columns;
  Tensor result = Tensor::floats(shape);
  int64_t rows = x.rank() == 2 ? x.shape[0] : 1;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t n = 0; n < columns; ++n) {
      Number y = dot(weight.span(n * width, width), x.span(i * width, width));
      if (op.getBias())
        y = add(y, frame[op.getBias()].at(n), f32Format);
      result.set(i * columns + n, y);
    }
  frame.define(op, std::move(result));
  return Error::success();
}

/// The elements of a row.
static SmallVector<Number> numbersOf(const Tensor &row) {
  SmallVector<Number> numbers;
  for (int64_t i = 0; i < row.size(); ++i)
    numbers.push_back(row.at(i));
  return numbers;
}

static Error evaluateSoftmax(moe::SoftmaxOp op, Frame &frame) {
  const Tensor &x = frame[op.getX()];
  Tensor result = Tensor::floats(x.shape);
  for (auto [i, number] : enumerate(softmax(numbersOf(x))))
    result.set(static_cast<int64_t>(i), number);
  frame.define(op, std::move(result));
  return Error::success();
}

static Error evaluateReduce(moe::ReduceOp op, Frame &frame) {
  SmallVector<Number> x = numbersOf(frame[op.getX()]);
  Number result = sum(x);
  if (op.getKind() == moe::ReduceKind::Max) {
    result = x.front();
    for (Number number : x)
      result = maximum(result, number, /*ignoreNaN=*/false);
  }
  frame.define(op, Tensor::scalar(result));
  return Error::success();
}

static Error evaluateNormalize(moe::NormalizeOp op, Frame &frame) {
  const Tensor &x = frame[op.getX()];
  Number total =
      add(sum(numbersOf(x)), {op.getEps().convertToDouble(), 0}, f32Format);
  Tensor result = Tensor::floats(x.shape);
  for (int64_t i = 0; i < x.size(); ++i)
    result.set(i, divide(x.at(i), total, f32Format));
  frame.define(op, std::move(result));
  return Error::success();
}

static Error evaluateTake(moe::TakeOp op, Frame &frame) {
  const Tensor &source = frame[op.getSource()], &ids = frame[op.getIds()];
  Tensor result = Tensor::floats(ids.shape);
  for (int64_t j = 0; j < ids.size(); ++j)
    if (ids.ints[j] >= 0 && ids.ints[j] < source.size())
      result.set(j, source.at(ids.ints[j]));
  frame.define(op, std::move(result));
  return Error::success();
}

static Error evaluateExclude(moe::ExcludeOp op, Frame &frame) {
  const Tensor &ids = frame[op.getIds()];
  Tensor result = frame[op.getSource()];
  result.error.resize(result.value.size());
  for (int64_t id : ids.ints)
    if (id >= 0 && id < result.size())
      result.set(id, {op.getFill().convertToDouble(), 0});
  frame.define(op, std::move(result));
  return Error::success();
}

static Error evaluateLookup(moe::LookupOp op, Frame &frame) {
  const Tensor &table = frame[op.getTable()];
  int64_t index = frame[op.getIndex()].ints[0];
  int64_t columns = table.shape[1];
  Tensor ids = Tensor::integers({columns});
  bool isInside = index >= 0 && index < table.shape[0];
  for (int64_t j = 0; j < columns; ++j)
    ids.ints[j] =
        isInside ? static_cast<int32_t>(table.ints[index * columns + j]) : -1;
  frame.define(op, std::move(ids));
  return Error::success();
}

void addRouterOps(OpTable &table) {
  table.add(evaluateRouter);
  table.add(evaluateLinear);
  table.add(evaluateSoftmax);
  table.add(evaluateReduce);
  table.add(evaluateNormalize);
  table.add(evaluateTake);
  table.add(evaluateExclude);
  table.add(evaluateLookup);
}

} // namespace moec::reference

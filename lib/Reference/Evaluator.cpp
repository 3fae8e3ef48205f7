//===- Evaluator.cpp - the state of a run -----------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Frames, weights on demand, and the loop over the operations of a block.
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace moec::reference {

Error errorAt(mlir::Operation *op, StringRef message) {
  std::string location;
  raw_string_ostream stream(location);
  op->getLoc().print(stream);
  return inputError("'{}' at {}: {}", op->getName().getStringRef(),
                    printable(location), message);
}

Error checkSameShape(mlir::Operation *op, const Tensor &a, const Tensor &b) {
  if (a.shape == b.shape)
    return Error::success();
  return errorAt(op,
                 fmt::format("operands of shapes {} and {} do not go together",
                             formatShape(a.shape), formatShape(b.shape)));
}

const Format &formatOf(mlir::Type type) {
  mlir::Type element = mlir::getElementTypeOrSelf(type);
  if (element.isBF16())
    return bf16Format;
  if (element.isF16())
    return f16Format;
  return element.isF64() ? f64Format : f32Format;
}

bool isKnownType(mlir::Type type) {
  mlir::Type element = mlir::getElementTypeOrSelf(type);
  return element.isF32() || element.isBF16() || element.isF16() ||
         element.isF64() || element.isIntOrIndex();
}

//===----------------------------------------------------------------------===//
// Frames
//===----------------------------------------------------------------------===//

TensorRef Frame::ref(mlir::Value value) const {
  for (const Frame *frame = this; frame; frame = frame->parent)
    if (auto it = frame->values.find(value); it != frame->values.end())
      return it->second;
  llvm_unreachable("operands are defined before they are read");
}

bool Frame::has(mlir::Value value) const {
  for (const Frame *frame = this; frame; frame = frame->parent)
    if (frame->values.contains(value))
      return true;
  return false;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

const OpTable::Entry *OpTable::find(mlir::Operation *op) const {
  auto it = entries.find(op->getName().getStringRef());
  return it == entries.end() ? nullptr : &it->second;
}

const OpTable &OpTable::get() {
  static const OpTable table = [] {
    OpTable table;
    addArithmetic(table);
    addIntegerArithmetic(table);
    addTensorOps(table);
    addGeneric(table);
    addRouterOps(table);
    addSelectionOps(table);
    addCapacity(table);
    addEncode(table);
    addExpertOps(table);
    addGroupedMatmul(table);
    return table;
  }();
  return table;
}

/// Whether `op`, in an iteration, does the same at every point.
static bool canIterate(mlir::Operation *op, const Frame &frame) {
  if (op->getNumRegions() > 0)
    return false;
  bool isMany = any_of(op->getOperands(), [&](mlir::Value operand) {
    return !isa<mlir::ShapedType>(operand.getType()) &&
           frame[operand].rank() > 0;
  });
  if (!isMany || isa<mlir::tensor::ExtractOp>(op))
    return true;
  return op->hasTrait<mlir::OpTrait::Elementwise>() &&
         none_of(op->getOperandTypes(),
                 [](mlir::Type type) { return isa<mlir::ShapedType>(type); });
}

Error Evaluator::evaluate(mlir::Operation *op, Frame &frame) {
  if (auto use = dyn_cast<mlir::moe::UseOp>(op)) {
    auto weight =
        mlir::SymbolTable::lookupNearestSymbolFrom<mlir::moe::WeightOp>(
            op, use.getWeightAttr());
    bindWeight(use.getResult(), weight);
    return Error::success();
  }
  const OpTable::Entry *entry = OpTable::get().find(op);
  if (!entry)
    return errorAt(op, "the reference does not know this operation");
  for (mlir::Type type : op->getResultTypes())
    if (!isKnownType(type))
      return errorAt(op, "the reference does not compute with its result type");
  for (mlir::Value operand : op->getOperands()) {
    auto type = dyn_cast<mlir::RankedTensorType>(operand.getType());
    bool isStack = entry->isLazy && type && type.getRank() == 3;
    if (isStack || frame.has(operand))
      continue;
    Expected<TensorRef> tensor = whole(operand, frame);
    if (!tensor)
      return tensor.takeError();
    frame.define(operand, *tensor);
  }
  if (frame.isIteration && !canIterate(op, frame))
    return errorAt(op, "the reference takes element-wise operations in an "
                       "iteration");
  if (Error error = entry->function(op, frame))
    return error;
  for (mlir::Value result : op->getResults())
    if (Error error = applyOverride(result, frame))
      return error;
  return Error::success();
}

Error Evaluator::evaluateBody(mlir::Block &block, Frame &frame,
                              ArrayRef<mlir::Operation *> leftOut) {
  for (mlir::Operation &op : block.without_terminator()) {
    if (is_contained(leftOut, &op))
      continue;
    if (Error error = evaluate(&op, frame))
      return error;
  }
  return Error::success();
}

Error Evaluator::applyOverride(mlir::Value value, Frame &frame) {
  auto it = overrides.find(value);
  if (it == overrides.end())
    return Error::success();
  const auto &[given, name] = it->second;
  const Shape &computed = frame[value].shape;
  if (given->kind != frame[value].kind)
    return inputError("the given '{}' holds {}; ids are integers, weights "
                      "floats",
                      name, given->kind == Kind::Float ? "floats" : "integers");
  if (given->shape != computed)
    return inputError("the given '{}' has the shape {}, the layer's has {}; "
                      "give one row for each token",
                      name, formatShape(given->shape), formatShape(computed));
  frame.define(value, given);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

Expected<TensorRef> Evaluator::whole(mlir::Value value, const Frame &frame) {
  if (frame.has(value))
    return frame.ref(value);
  if (mlir::moe::EncodeOp op = encoded.lookup(value)) {
    Expected<TensorRef> weight = whole(op.getX(), frame);
    if (!weight)
      return weight.takeError();
    return encode(op, **weight, /*isWeight=*/true);
  }
  mlir::moe::WeightOp weight = weights.lookup(value);
  assert(weight && "a value is computed or a weight");
  TensorRef &read = readWeights[weight];
  if (read)
    return read;
  Expected<Tensor> tensor = provider.get(weight);
  if (!tensor)
    return tensor.takeError();
  return read = std::make_shared<Tensor>(std::move(*tensor));
}

Expected<TensorRef> Evaluator::expert(mlir::Value stack, int64_t index,
                                      const Frame &frame) {
  if (mlir::moe::EncodeOp op = encoded.lookup(stack)) {
    Expected<TensorRef> matrix = expert(op.getX(), index, frame);
    if (!matrix)
      return matrix.takeError();
    return encode(op, **matrix, /*isWeight=*/true);
  }
  mlir::moe::WeightOp weight = weights.lookup(stack);
  bool isInMemory = frame.has(stack) || !weight || readWeights.contains(weight);
  if (isInMemory) {
    Expected<TensorRef> tensor = whole(stack, frame);
    if (!tensor)
      return tensor.takeError();
    return std::make_shared<Tensor>((*tensor)->row(index));
  }
  Expected<Tensor> matrix = provider.getExpert(weight, index);
  if (!matrix)
    return matrix.takeError();
  return std::make_shared<Tensor>(std::move(*matrix));
}

//===----------------------------------------------------------------------===//
// Choices
//===----------------------------------------------------------------------===//

SmallVector<int64_t> Evaluator::preferredIds() const {
  if (!options.preferredIds || row < 0 ||
      row >= options.preferredIds->shape.front())
    return {};
  int64_t k = options.preferredIds->rowSize();
  auto begin = options.preferredIds->ints.begin() + row * k;
  return SmallVector<int64_t>(begin, begin + k);
}

void Evaluator::noteChoice(Clearness clearness) {
  auto [it, isNew] = choices.try_emplace(std::max<int64_t>(row, 0), clearness);
  if (!isNew)
    it->second = std::min(it->second, clearness);
}

std::vector<RowDecision> Evaluator::takeDecisions() const {
  std::vector<RowDecision> decisions;
  for (auto [row, clearness] : choices)
    decisions.push_back({row, clearness.gap, clearness.bound});
  return decisions;
}

} // namespace moec::reference

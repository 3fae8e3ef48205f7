//===- IndexedBody.cpp - A linalg.generic that says where it reads --------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Codegen/Common/IndexedBody.h"
#include "moec/Codegen/Common/Elementwise.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace moec {

bool readsByIndex(linalg::GenericOp op) {
  return llvm::any_of(*op.getBlock(), [](Operation &inner) {
    return isa<linalg::IndexOp, tensor::ExtractOp>(inner);
  });
}

namespace {

class BodyCloner {
public:
  BodyCloner(OpBuilder &b, linalg::GenericOp op, Value row, Value col,
             IndexedSource &source)
      : b(b), op(op), row(row), col(col), source(source) {}

  FailureOr<Value> run();

private:
  LogicalResult mapOperand(OpOperand &operand);
  LogicalResult clone(Operation &inner);
  FailureOr<Value> read(Operation *reader, Value tensor, ValueRange index);
  /// A value of the body, or a number from outside of it.
  FailureOr<Value> lookup(Value value);
  FailureOr<SmallVector<Value>> lookupAll(ValueRange outer);
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, op.getLoc(), value);
  }

  OpBuilder &b;
  linalg::GenericOp op;
  Value row, col;
  IndexedSource &source;
  IRMapping values;
};

} // namespace

FailureOr<Value> BodyCloner::lookup(Value value) {
  if (Value inside = values.lookupOrNull(value))
    return inside;
  FailureOr<Value> outside = source.number(value);
  if (succeeded(outside))
    values.map(value, *outside);
  return outside;
}

FailureOr<SmallVector<Value>> BodyCloner::lookupAll(ValueRange outer) {
  SmallVector<Value> mapped;
  for (Value value : outer) {
    FailureOr<Value> inner = lookup(value);
    if (failed(inner))
      return failure();
    mapped.push_back(*inner);
  }
  return mapped;
}

FailureOr<Value> BodyCloner::read(Operation *reader, Value tensor,
                                  ValueRange at) {
  bool isRow = at.size() == 1 && source.isWeight(tensor);
  if (!isRow && at.size() != 2)
    return reader->emitOpError("reads ")
           << tensor.getType() << " element by element; the "
           << source.backEnd()
           << " back end reads matrices and rows of weights so";
  return source.element(tensor, isRow ? index(0) : at[0], at.back());
}

LogicalResult BodyCloner::clone(Operation &inner) {
  if (auto place = dyn_cast<linalg::IndexOp>(inner)) {
    values.map(place.getResult(), place.getDim() == 0 ? row : col);
    return success();
  }
  if (auto extract = dyn_cast<tensor::ExtractOp>(inner)) {
    FailureOr<SmallVector<Value>> at = lookupAll(extract.getIndices());
    if (failed(at))
      return failure();
    FailureOr<Value> element = read(extract, extract.getTensor(), *at);
    if (succeeded(element))
      values.map(extract.getResult(), *element);
    return element;
  }
  if (!isElementwise(inner))
    return inner.emitOpError("has no ")
           << source.backEnd() << " lowering inside a linalg.generic";
  if (failed(lookupAll(inner.getOperands())))
    return failure();
  b.clone(inner, values);
  return success();
}

LogicalResult BodyCloner::mapOperand(OpOperand &operand) {
  BlockArgument argument = op.getMatchingBlockArgument(&operand);
  if (!isa<RankedTensorType>(operand.get().getType())) {
    FailureOr<Value> number = source.number(operand.get());
    if (succeeded(number))
      values.map(argument, *number);
    return number;
  }
  SmallVector<Value> at;
  for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      at.push_back(dim.getPosition() == 0 ? row : col);
    else if (auto place = dyn_cast<AffineConstantExpr>(expr))
      at.push_back(index(place.getValue()));
    else
      return op.emitOpError("reads an operand by ")
             << AffineMapAttr::get(op.getMatchingIndexingMap(&operand))
             << "; the " << source.backEnd()
             << " back end reads at indices and constants";
  }
  FailureOr<Value> element = read(op, operand.get(), at);
  if (succeeded(element))
    values.map(argument, *element);
  return element;
}

FailureOr<Value> BodyCloner::run() {
  for (OpOperand *operand : op.getDpsInputOperands())
    if (failed(mapOperand(*operand)))
      return failure();
  for (Operation &inner : op.getBlock()->without_terminator())
    if (failed(clone(inner)))
      return failure();
  return lookup(op.getBlock()->getTerminator()->getOperand(0));
}

FailureOr<Value> cloneIndexedBody(OpBuilder &b, linalg::GenericOp op, Value row,
                                  Value col, IndexedSource &source) {
  return BodyCloner(b, op, row, col, source).run();
}

} // namespace moec

//===- EmitRowRegion.cpp - Operations on one token's row --------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The body of a moe.router: selection, normalisation and element-wise
// mathematics on rows.
//
//===----------------------------------------------------------------------===//

#include "LayerEmitter.h"
#include "mlir/IR/TypeUtilities.h"
#include "moec/Dialect/Moe/Moe.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

namespace moec::hf {
namespace {

using namespace mlir;
using HfOperation = moec::hf::Operation;

class RowRegion {
public:
  RowRegion(LayerEmission &emission, const Routine &routine, OpBuilder &builder)
      : emission(emission), routine(routine), builder(builder) {}

  void set(ValueId id, mlir::Value value) { values[id] = value; }
  llvm::Error emit(const HfOperation &operation);
  mlir::Value get(ValueId id) { return values[id]; }

private:
  mlir::Value constant(double number, Type type, Location loc);
  mlir::Value broadcast(mlir::Value value, Type to, Location loc);
  mlir::Value concat(const HfOperation &operation, Location loc);
  mlir::Value outerSum(const HfOperation &operation, Location loc);
  Type resultType(const HfOperation &operation) {
    return rowType(builder, routine.types[operation.results[0]]);
  }

  LayerEmission &emission;
  const Routine &routine;
  OpBuilder &builder;
  llvm::DenseMap<ValueId, mlir::Value> values;
};

/// A number as a scalar or as a tensor full of it.
mlir::Value RowRegion::constant(double number, Type type, Location loc) {
  Type element = getElementTypeOrSelf(type);
  TypedAttr scalar =
      isa<FloatType>(element)
          ? TypedAttr(FloatAttr::get(element, number))
          : TypedAttr(IntegerAttr::get(element, static_cast<int64_t>(number)));
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return arith::ConstantOp::create(builder, loc,
                                     DenseElementsAttr::get(tensor, scalar));
  return arith::ConstantOp::create(builder, loc, scalar);
}

/// `value` repeated to the shape of `to`.
mlir::Value RowRegion::broadcast(mlir::Value value, Type to, Location loc) {
  auto target = dyn_cast<RankedTensorType>(to);
  auto source = dyn_cast<RankedTensorType>(value.getType());
  if (source && target && source.getShape() == target.getShape())
    return value;
  if (!target && !source)
    return value;
  if (source) { // of one element
    SmallVector<mlir::Value> zeros(
        source.getRank(), arith::ConstantIndexOp::create(builder, loc, 0));
    value = tensor::ExtractOp::create(builder, loc, value, zeros);
  }
  if (!target)
    return value;
  return tensor::SplatOp::create(
      builder, loc, value,
      RankedTensorType::get(target.getShape(), value.getType()));
}

mlir::Value RowRegion::concat(const HfOperation &operation, Location loc) {
  auto type = cast<RankedTensorType>(resultType(operation));
  mlir::Value result = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                               type.getElementType());
  int64_t at = 0;
  for (ValueId id : operation.operands) {
    mlir::Value part = values[id];
    int64_t size = cast<RankedTensorType>(part.getType()).getDimSize(0);
    result = tensor::InsertSliceOp::create(
        builder, loc, part, result,
        ArrayRef<OpFoldResult>{builder.getIndexAttr(at)},
        ArrayRef<OpFoldResult>{builder.getIndexAttr(size)},
        ArrayRef<OpFoldResult>{builder.getIndexAttr(1)});
    at += size;
  }
  return result;
}

mlir::Value RowRegion::outerSum(const HfOperation &operation, Location loc) {
  mlir::Value a = values[operation.operands[0]];
  mlir::Value b = values[operation.operands[1]];
  int64_t inner = cast<RankedTensorType>(b.getType()).getDimSize(0);
  return tensor::GenerateOp::create(
      builder, loc, resultType(operation), ValueRange{},
      [&](OpBuilder &body, Location loc, ValueRange index) {
        mlir::Value size = arith::ConstantIndexOp::create(body, loc, inner);
        mlir::Value i = arith::DivUIOp::create(body, loc, index[0], size);
        mlir::Value j = arith::RemUIOp::create(body, loc, index[0], size);
        mlir::Value x = tensor::ExtractOp::create(body, loc, a, i);
        mlir::Value y = tensor::ExtractOp::create(body, loc, b, j);
        mlir::Value sum = arith::AddFOp::create(body, loc, x, y);
        tensor::YieldOp::create(body, loc, sum);
      });
}

llvm::Error RowRegion::emit(const HfOperation &operation) {
  Location loc = emission.location(operation.loc);
  auto operand = [&](size_t i) { return values[operation.operands[i]]; };
  auto number = [&](llvm::StringRef name) {
    return operation.attribute(name).number();
  };
  auto f32 = [&](llvm::StringRef name) {
    return builder.getF32FloatAttr(static_cast<float>(number(name)));
  };
  auto integer = [&](llvm::StringRef name) {
    return builder.getI64IntegerAttr(operation.attribute(name).integer());
  };
  mlir::Value result;
  if (isElementwise(operation.op)) {
    // All operands but a condition have the element type of the others; one
    // condition decides over a whole row.
    Type type = resultType(operation);
    SmallVector<mlir::Value> operands;
    for (auto [i, id] : llvm::enumerate(operation.operands)) {
      bool decides = operation.op == Op::Select && i == 0 &&
                     routine.types[id].shape.empty();
      operands.push_back(decides ? values[id]
                                 : broadcast(values[id], type, loc));
    }
    set(operation.results[0],
        emitElementwise(builder, loc, operation, operands));
    return llvm::Error::success();
  }
  switch (operation.op) {
  case Op::Constant:
    result = constant(number("value"), resultType(operation), loc);
    break;
  case Op::Sum:
  case Op::Largest:
    result = moe::ReduceOp::create(
        builder, loc, builder.getF32Type(),
        operation.op == Op::Sum ? moe::ReduceKind::Sum : moe::ReduceKind::Max,
        operand(0));
    break;
  case Op::Softmax:
    result = moe::SoftmaxOp::create(builder, loc, operand(0));
    break;
  case Op::Normalize:
    result = moe::NormalizeOp::create(builder, loc, operand(0).getType(),
                                      operand(0), f32("eps"));
    break;
  case Op::GroupLimit:
    result = moe::GroupLimitOp::create(
        builder, loc, operand(0).getType(), operand(0), integer("groups"),
        integer("keep"),
        moe::GroupScoreAttr::get(builder.getContext(),
                                 operation.attribute("by").string() == "max"
                                     ? moe::GroupScore::Max
                                     : moe::GroupScore::Top2Sum),
        f32("fill"));
    break;
  case Op::TopK:
    result = moe::TopKOp::create(builder, loc, resultType(operation),
                                 operand(0), integer("k"));
    break;
  case Op::Take:
    result = moe::TakeOp::create(builder, loc, resultType(operation),
                                 operand(0), operand(1));
    break;
  case Op::Exclude:
    result = moe::ExcludeOp::create(builder, loc, resultType(operation),
                                    operand(0), operand(1), f32("fill"));
    break;
  case Op::Concat:
    result = concat(operation, loc);
    break;
  case Op::OuterSum:
    result = outerSum(operation, loc);
    break;
  case Op::Slice: {
    int64_t begin = operation.attribute("begin").integer();
    int64_t end = operation.attribute("end").integer();
    result = tensor::ExtractSliceOp::create(
        builder, loc, cast<RankedTensorType>(resultType(operation)), operand(0),
        ArrayRef<OpFoldResult>{builder.getIndexAttr(begin)},
        ArrayRef<OpFoldResult>{builder.getIndexAttr(end - begin)},
        ArrayRef<OpFoldResult>{builder.getIndexAttr(1)});
    break;
  }
  case Op::Every: {
    // Of equal scores the lower index comes first.
    int64_t count = operation.attribute("count").integer();
    mlir::Value equal =
        constant(0, RankedTensorType::get({count}, builder.getF32Type()), loc);
    result = moe::TopKOp::create(builder, loc, resultType(operation), equal,
                                 builder.getI64IntegerAttr(count));
    break;
  }
  case Op::Lookup:
    result = moe::LookupOp::create(builder, loc, resultType(operation),
                                   operand(0), operand(1));
    break;
  default:
    return emission.sources.error(operation.loc,
                                  "'" + opName(operation.op) +
                                      "' does not work on one row");
  }
  set(operation.results[0], result);
  return llvm::Error::success();
}

} // namespace

llvm::Expected<SmallVector<mlir::Value>>
emitRowRegion(LayerEmission &emission, const Routine &routine,
              const std::set<const HfOperation *> &inside,
              llvm::ArrayRef<ValueId> wanted, Location loc,
              llvm::function_ref<llvm::Expected<mlir::Value>(ValueId)> outer) {
  OpBuilder &builder = emission.builder;
  // What comes from outside: rows, and what is the same for all tokens.
  llvm::SmallVector<ValueId> rowIds, paramIds;
  std::set<ValueId> known;
  std::vector<const HfOperation *> constants;
  for (const HfOperation &operation : routine.operations) {
    if (operation.op == Op::Constant)
      constants.push_back(&operation);
    if (inside.count(&operation) || operation.op == Op::Constant)
      known.insert(operation.results.begin(), operation.results.end());
  }
  auto need = [&](ValueId id) {
    if (known.insert(id).second)
      (routine.types[id].perToken ? rowIds : paramIds).push_back(id);
  };
  std::set<ValueId> read;
  for (const HfOperation &operation : routine.operations)
    if (inside.count(&operation))
      for (ValueId id : operation.operands) {
        need(id);
        read.insert(id);
      }
  for (ValueId id : wanted)
    need(id);

  SmallVector<mlir::Value> rows, params;
  for (ValueId id : rowIds) {
    llvm::Expected<mlir::Value> value = outer(id);
    if (!value)
      return value.takeError();
    rows.push_back(*value);
  }
  for (ValueId id : paramIds) {
    llvm::Expected<mlir::Value> value = outer(id);
    if (!value)
      return value.takeError();
    params.push_back(*value);
  }
  SmallVector<Type> resultTypes;
  for (ValueId id : wanted) {
    Type row = rowType(builder, routine.types[id]);
    SmallVector<int64_t> shape{ShapedType::kDynamic};
    if (auto tensor = dyn_cast<RankedTensorType>(row))
      llvm::append_range(shape, tensor.getShape());
    resultTypes.push_back(
        RankedTensorType::get(shape, getElementTypeOrSelf(row)));
  }
  auto router = moe::RouterOp::create(builder, loc, resultTypes, rows, params);

  OpBuilder::InsertionGuard guard(builder);
  Block *body = builder.createBlock(&router.getBody());
  RowRegion region(emission, routine, builder);
  for (ValueId id : rowIds)
    region.set(id, body->addArgument(rowType(builder, routine.types[id]), loc));
  for (auto [id, param] : llvm::zip(paramIds, params)) {
    mlir::Value value = body->addArgument(param.getType(), loc);
    auto type = cast<RankedTensorType>(param.getType());
    if (isa<FloatType>(type.getElementType()) && !type.getElementType().isF32())
      value = arith::ExtFOp::create(builder, loc,
                                    type.clone(builder.getF32Type()), value);
    region.set(id, value);
  }
  for (const HfOperation *constant : constants)
    if (read.count(constant->results[0]))
      if (llvm::Error error = region.emit(*constant))
        return std::move(error);
  for (const HfOperation &operation : routine.operations)
    if (inside.count(&operation))
      if (llvm::Error error = region.emit(operation))
        return std::move(error);
  SmallVector<mlir::Value> yielded;
  for (ValueId id : wanted)
    yielded.push_back(region.get(id));
  moe::YieldOp::create(builder, loc, yielded);
  return SmallVector<mlir::Value>(router.getResults());
}

} // namespace moec::hf

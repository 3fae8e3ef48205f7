//===- RowOps.cpp - Arithmetic on the rows of a router --------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything in a router's region but reductions and selection.
//
//===----------------------------------------------------------------------===//

#include "RowProgram.h"
#include "VectorBody.h"

#include "llvm/ADT/TypeSwitch.h"

namespace moec::cpu {

LogicalResult RowProgram::emit(Operation &op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](arith::ConstantOp op) { return emitConstant(op); })
      .Case([&](moe::SoftmaxOp op) { return emitSoftmax(op); })
      .Case([&](moe::ReduceOp op) { return emitReduce(op); })
      .Case([&](moe::NormalizeOp op) { return emitNormalize(op); })
      .Case([&](moe::TopKOp op) { return emitTopK(op); })
      .Case([&](moe::TakeOp op) { return emitTake(op); })
      .Case([&](moe::ExcludeOp op) { return emitExclude(op); })
      .Case([&](moe::GroupLimitOp op) { return emitGroupLimit(op); })
      .Case([&](moe::LookupOp op) { return emitLookup(op); })
      .Case([&](tensor::SplatOp op) { return emitSplat(op); })
      .Case([&](tensor::GenerateOp op) { return emitGenerate(op); })
      .Case([&](tensor::ConcatOp op) { return emitConcat(op); })
      .Case([&](tensor::ExtractSliceOp op) { return emitExtractSlice(op); })
      .Case([&](tensor::InsertSliceOp op) { return emitInsertSlice(op); })
      .Case([&](tensor::ExtractOp op) { return emitExtract(op); })
      // Contents are undefined until slices are inserted.
      .Case([&](tensor::EmptyOp op) {
        define(op.getResult());
        return success();
      })
      .Default([&](Operation *op) -> LogicalResult {
        if (isElementwise(*op))
          return emitElementwise(*op);
        return op->emitOpError("has no CPU lowering inside a router");
      });
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Row RowProgram::scratch(int64_t cols, Type element) {
  return {e.allocate({.perThread = 1}, cols, element), e.thread};
}

Row RowProgram::scratch(RankedTensorType type) {
  Type element = type.getElementType();
  if (element.isInteger(1))
    element = e.b.getI32Type();
  return scratch(type.getDimSize(0), element);
}

Row RowProgram::define(Value value) {
  Row row = scratch(cast<RankedTensorType>(value.getType()));
  bind(value, row);
  return row;
}

Value RowProgram::loadVector(Row row, Value col) {
  return vector::LoadOp::create(e.b,
                                e.vector(row.buffer.elementType(), e.lanes),
                                row.buffer.memref, ValueRange{row.number, col});
}

void RowProgram::storeVector(Value value, Row row, Value col) {
  vector::StoreOp::create(e.b, value, row.buffer.memref,
                          ValueRange{row.number, col});
}

Value RowProgram::load(Row row, Value col) {
  return memref::LoadOp::create(e.b, row.buffer.memref,
                                ValueRange{row.number, col});
}

void RowProgram::storeScalar(Value value, Row row, Value col) {
  memref::StoreOp::create(e.b, value, row.buffer.memref,
                          ValueRange{row.number, col});
}

void RowProgram::copy(Row from, int64_t fromCol, int64_t count, Row to,
                      int64_t toCol) {
  e.loop(e.index(0), e.index(count), [&](Value i) {
    storeScalar(load(from, e.add(i, e.index(fromCol))), to,
                e.add(i, e.index(toCol)));
  });
}

void RowProgram::store(Value value, Row destination) {
  if (Value scalar = getScalar(value)) {
    storeScalar(scalar, destination, e.index(0));
    return;
  }
  Row row = getRow(value);
  int64_t cols = row.buffer.cols, whole = cols / e.lanes * e.lanes;
  int64_t stride =
      cast<MemRefType>(destination.buffer.memref.getType()).getDimSize(1);
  e.loop(e.index(0), e.index(whole), e.index(e.lanes), [&](Value col) {
    storeVector(loadVector(row, col), destination, col);
  });
  // Element by element: what lies behind the row may be the caller's.
  copy(row, whole, cols - whole, destination, whole);
  Value zero =
      arith::ConstantOp::create(e.b, e.b.getZeroAttr(row.buffer.elementType()));
  e.loop(e.index(cols), e.index(stride),
         [&](Value col) { storeScalar(zero, destination, col); });
}

//===----------------------------------------------------------------------===//
// Element-wise operations
//===----------------------------------------------------------------------===//

LogicalResult RowProgram::emitConstant(arith::ConstantOp op) {
  auto type = dyn_cast<RankedTensorType>(op.getType());
  if (!type) {
    bindScalar(op.getResult(), e.b.clone(*op)->getResult(0));
    return success();
  }
  auto splat = dyn_cast<SplatElementsAttr>(op.getValue());
  if (!splat || type.getElementType().isInteger(1))
    return op.emitOpError("is a table; tables are weights in the CPU back end");
  Row row = define(op.getResult());
  e.forVectors(row.buffer.cols, [&](Value col, Value) {
    storeVector(cloneOnVectors(e, *op, {}, e.lanes), row, col);
  });
  return success();
}

LogicalResult RowProgram::emitElementwise(Operation &op) {
  auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType());
  if (!type) {
    IRMapping map;
    for (Value operand : op.getOperands())
      map.map(operand, getScalar(operand));
    bindScalar(op.getResult(0), e.b.clone(op, map)->getResult(0));
    return success();
  }
  // A comparison gives i1, which is stored as i32 and read back as != 0.
  Row row = define(op.getResult(0));
  Value zeros = e.splat(e.i32(0), e.lanes);
  e.forVectors(row.buffer.cols, [&](Value col, Value) {
    SmallVector<Value> operands;
    for (Value operand : op.getOperands()) {
      Type operandType = operand.getType();
      if (!isa<RankedTensorType>(operandType)) {
        operands.push_back(e.splat(getScalar(operand), e.lanes));
        continue;
      }
      Value x = loadVector(getRow(operand), col);
      if (getElementTypeOrSelf(operandType).isInteger(1))
        x = arith::CmpIOp::create(e.b, arith::CmpIPredicate::ne, x, zeros);
      operands.push_back(x);
    }
    Value x = cloneOnVectors(e, op, operands, e.lanes);
    if (type.getElementType().isInteger(1))
      x = arith::ExtUIOp::create(e.b, e.i32Vector(), x);
    storeVector(x, row, col);
  });
  return success();
}

LogicalResult RowProgram::emitSplat(tensor::SplatOp op) {
  Row row = define(op.getResult());
  e.forVectors(row.buffer.cols, [&](Value col, Value) {
    storeVector(e.splat(getScalar(op.getInput()), e.lanes), row, col);
  });
  return success();
}

LogicalResult RowProgram::emitGenerate(tensor::GenerateOp op) {
  if (op.getType().getRank() != 1 || !op.getType().hasStaticShape())
    return op.emitOpError("makes ")
           << op.getType() << ", not a row of static size";
  Block &body = op.getBody().front();
  Row row = define(op.getResult());
  LogicalResult status = success();
  e.loop(e.index(0), e.index(row.buffer.cols), [&](Value i) {
    bindScalar(body.getArgument(0), i);
    for (Operation &inner : body.without_terminator()) {
      status = emit(inner);
      if (failed(status))
        return;
    }
    storeScalar(getScalar(body.getTerminator()->getOperand(0)), row, i);
  });
  return status;
}

LogicalResult RowProgram::emitConcat(tensor::ConcatOp op) {
  Row row = define(op.getResult());
  int64_t at = 0;
  for (Value input : op.getInputs()) {
    Row source = getRow(input);
    copy(source, 0, source.buffer.cols, row, at);
    at += source.buffer.cols;
  }
  return success();
}

LogicalResult RowProgram::emitExtractSlice(tensor::ExtractSliceOp op) {
  auto source = cast<RankedTensorType>(op.getSource().getType());
  if (source.getRank() != 1 || ShapedType::isDynamic(op.getStaticOffset(0)) ||
      !op.hasUnitStride())
    return op.emitOpError("is not a constant slice of a row");
  Row row = define(op.getResult());
  copy(getRow(op.getSource()), op.getStaticOffset(0), row.buffer.cols, row, 0);
  return success();
}

LogicalResult RowProgram::emitInsertSlice(tensor::InsertSliceOp op) {
  auto destination = op.getDestType();
  if (destination.getRank() != 1 ||
      ShapedType::isDynamic(op.getStaticOffset(0)) || !op.hasUnitStride())
    return op.emitOpError("is not a constant slice of a row");
  Row source = getRow(op.getSource());
  Row row = define(op.getResult());
  if (!op.getDest().getDefiningOp<tensor::EmptyOp>())
    copy(getRow(op.getDest()), 0, row.buffer.cols, row, 0);
  copy(source, 0, source.buffer.cols, row, op.getStaticOffset(0));
  return success();
}

LogicalResult RowProgram::emitExtract(tensor::ExtractOp op) {
  if (op.getIndices().size() != 1)
    return op.emitOpError("reads an element of something other than a row");
  bindScalar(op.getResult(),
             load(getRow(op.getTensor()), getScalar(op.getIndices()[0])));
  return success();
}

} // namespace moec::cpu

//===- RowProgram.cpp - Arithmetic on the rows of a router ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything in a router's region but selection.
//
//===----------------------------------------------------------------------===//

#include "RowProgram.h"
#include "ScalarBody.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

namespace moec::nvptx {

LogicalResult RowProgram::emit(Operation &op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
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
        auto type = op.getType();
        bind(op.getResult(),
             makeRow(type.getDimSize(0), type.getElementType()));
        return success();
      })
      .Default([&](Operation *op) -> LogicalResult {
        if (isElementwise(*op))
          return emitElementwise(*op);
        return op->emitOpError("has no NVPTX lowering inside a router");
      });
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

Row RowProgram::makeRow(int64_t cols, Type element) {
  Value undefined = LLVM::UndefOp::create(k.b, element);
  int64_t registers = llvm::divideCeil(cols, warpSize);
  return {SmallVector<Value>(registers, undefined), cols};
}

Value RowProgram::indexIn(int64_t reg) {
  return k.add(k.lane(), reg * warpSize);
}

Value RowProgram::insideOf(int64_t cols, int64_t reg) {
  return (reg + 1) * warpSize <= cols ? Value() : k.less(indexIn(reg), cols);
}

Row RowProgram::load(const Memory &memory, Value row, int64_t cols) {
  Row result = makeRow(cols, memory.element);
  SmallVector<Type> types(result.registers.size(), memory.element);
  result.registers = k.forTypes(memory, types, [&](const Memory &known) {
    SmallVector<Value> registers;
    for (size_t reg = 0; reg < types.size(); ++reg) {
      auto read = [&] { return k.load(known, row, indexIn(reg)); };
      Value inside = insideOf(cols, reg);
      TypedAttr zero = k.b.getZeroAttr(memory.element);
      registers.push_back(
          inside
              ? k.valueWhen(inside, arith::ConstantOp::create(k.b, zero), read)
              : read());
    }
    return registers;
  });
  return result;
}

void RowProgram::store(Value value, const Memory &memory, Value row) {
  if (Value scalar = getScalar(value)) {
    k.when(k.equal(k.lane(), 0), [&] { k.store(scalar, memory, row, 0); });
    return;
  }
  Row source = getRow(value);
  for (auto [reg, x] : llvm::enumerate(source.registers)) {
    auto write = [&, reg = reg, x = x] {
      k.store(x, memory, row, indexIn(reg));
    };
    if (Value inside = insideOf(source.cols, reg))
      k.when(inside, write);
    else
      write();
  }
}

Value RowProgram::elementAt(const Row &row, Value index) {
  Value result = row.registers[0];
  Value lane = k.bitAnd(index, warpSize - 1);
  Value wanted = k.shiftRight(index, llvm::Log2_64(warpSize));
  for (auto [reg, element] : llvm::enumerate(row.registers)) {
    Value x = element;
    // A shuffle moves 32 bits.
    bool isBit = x.getType().isInteger(1);
    if (isBit)
      x = arith::ExtUIOp::create(k.b, k.b.getI32Type(), x);
    Value here = k.shuffle(x, lane);
    if (isBit)
      here = arith::TruncIOp::create(k.b, k.b.getI1Type(), here);
    result = reg == 0 ? here : k.select(k.equal(wanted, reg), here, result);
  }
  return result;
}

void RowProgram::insert(Row &row, const Row &part, int64_t at) {
  for (auto [reg, value] : llvm::enumerate(row.registers)) {
    int64_t first = reg * warpSize;
    if (first + warpSize <= at || first >= at + part.cols)
      continue;
    Value index = k.sub(indexIn(reg), at);
    Value inside = k.compare(arith::CmpIPredicate::ult, index, part.cols);
    value = k.select(inside, elementAt(part, index), value);
  }
}

//===----------------------------------------------------------------------===//
// Element-wise operations
//===----------------------------------------------------------------------===//

LogicalResult RowProgram::emitElementwise(Operation &op) {
  auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType());
  auto constant = dyn_cast<arith::ConstantOp>(op);
  if (constant && type && !isa<SplatElementsAttr>(constant.getValue()))
    return op.emitOpError("is a table; tables are weights in the NVPTX back "
                          "end");
  auto elements = [&](size_t reg) {
    return llvm::map_to_vector(op.getOperands(), [&](Value operand) {
      return isa<RankedTensorType>(operand.getType())
                 ? getRow(operand).registers[reg]
                 : getScalar(operand);
    });
  };
  if (!type) {
    bindScalar(op.getResult(0), cloneOnElements(k, op, elements(0)));
    return success();
  }
  Row row = makeRow(type.getDimSize(0), type.getElementType());
  for (auto [reg, value] : llvm::enumerate(row.registers))
    value = cloneOnElements(k, op, elements(reg));
  bind(op.getResult(0), row);
  return success();
}

LogicalResult RowProgram::emitSplat(tensor::SplatOp op) {
  Row row = makeRow(op.getType().getDimSize(0), op.getType().getElementType());
  llvm::fill(row.registers, getScalar(op.getInput()));
  bind(op.getResult(), row);
  return success();
}

LogicalResult RowProgram::emitGenerate(tensor::GenerateOp op) {
  if (op.getType().getRank() != 1 || !op.getType().hasStaticShape())
    return op.emitOpError("makes ")
           << op.getType() << ", not a row of static size";
  Block &body = op.getBody().front();
  Row row = makeRow(op.getType().getDimSize(0), op.getType().getElementType());
  for (auto [reg, value] : llvm::enumerate(row.registers)) {
    // Each lane has numbers of its own here.
    bindScalar(body.getArgument(0), arith::IndexCastOp::create(
                                        k.b, k.b.getIndexType(), indexIn(reg)));
    for (Operation &inner : body.without_terminator())
      if (failed(emit(inner)))
        return failure();
    value = getScalar(body.getTerminator()->getOperand(0));
  }
  bind(op.getResult(), row);
  return success();
}

LogicalResult RowProgram::emitConcat(tensor::ConcatOp op) {
  auto type = op.getResultType();
  Row row = makeRow(type.getDimSize(0), type.getElementType());
  int64_t at = 0;
  for (Value input : op.getInputs()) {
    Row part = getRow(input);
    insert(row, part, at);
    at += part.cols;
  }
  bind(op.getResult(), row);
  return success();
}

LogicalResult RowProgram::emitExtractSlice(tensor::ExtractSliceOp op) {
  auto source = cast<RankedTensorType>(op.getSource().getType());
  if (source.getRank() != 1 || ShapedType::isDynamic(op.getStaticOffset(0)) ||
      !op.hasUnitStride())
    return op.emitOpError("is not a constant slice of a row");
  Row from = getRow(op.getSource());
  Row row = makeRow(op.getType().getDimSize(0), op.getType().getElementType());
  for (auto [reg, value] : llvm::enumerate(row.registers))
    value = elementAt(from, k.add(indexIn(reg), op.getStaticOffset(0)));
  bind(op.getResult(), row);
  return success();
}

LogicalResult RowProgram::emitInsertSlice(tensor::InsertSliceOp op) {
  if (op.getDestType().getRank() != 1 ||
      ShapedType::isDynamic(op.getStaticOffset(0)) || !op.hasUnitStride())
    return op.emitOpError("is not a constant slice of a row");
  Row row = getRow(op.getDest());
  insert(row, getRow(op.getSource()), op.getStaticOffset(0));
  bind(op.getResult(), row);
  return success();
}

LogicalResult RowProgram::emitExtract(tensor::ExtractOp op) {
  if (op.getIndices().size() != 1)
    return op.emitOpError("reads an element of something other than a row");
  Value index = k.toI32(getScalar(op.getIndices()[0]));
  bindScalar(op.getResult(), elementAt(getRow(op.getTensor()), index));
  return success();
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Value RowProgram::reduce(const Row &row, Value neutral,
                         function_ref<Value(Value, Value)> combine) {
  Value total = neutral;
  for (auto [reg, element] : llvm::enumerate(row.registers)) {
    Value x = element;
    if (Value inside = insideOf(row.cols, reg))
      x = k.select(inside, x, neutral);
    total = reg == 0 ? x : combine(total, x);
  }
  return k.butterfly(total, combine);
}

Value RowProgram::sum(const Row &row) {
  return reduce(row, k.f32(0.0), [&](Value a, Value b) -> Value {
    return arith::AddFOp::create(k.b, a, b);
  });
}

Row RowProgram::divide(const Row &row, Value divisor) {
  Row result = row;
  for (Value &x : result.registers)
    x = arith::DivFOp::create(k.b, x, divisor);
  return result;
}

LogicalResult RowProgram::emitSoftmax(moe::SoftmaxOp op) {
  Row row = getRow(op.getX());
  // The largest number; a NaN shows in the sum, because exp(NaN) is NaN.
  Value largest = reduce(row, k.f32(-std::numeric_limits<double>::infinity()),
                         [&](Value a, Value b) -> Value {
                           return arith::MaxNumFOp::create(k.b, a, b);
                         });
  for (Value &x : row.registers)
    x = math::ExpOp::create(k.b, arith::SubFOp::create(k.b, x, largest));
  bind(op.getResult(), divide(row, sum(row)));
  return success();
}

LogicalResult RowProgram::emitReduce(moe::ReduceOp op) {
  Row row = getRow(op.getX());
  Value result =
      op.getKind() == moe::ReduceKind::Sum
          ? sum(row)
          : reduce(row, k.f32(-std::numeric_limits<double>::infinity()),
                   [&](Value a, Value b) -> Value {
                     return arith::MaximumFOp::create(k.b, a, b);
                   });
  bindScalar(op.getResult(), result);
  return success();
}

LogicalResult RowProgram::emitNormalize(moe::NormalizeOp op) {
  Row row = getRow(op.getX());
  Value eps = arith::ConstantOp::create(
      k.b, FloatAttr::get(k.b.getF32Type(), op.getEps()));
  bind(op.getResult(), divide(row, arith::AddFOp::create(k.b, sum(row), eps)));
  return success();
}

} // namespace moec::nvptx

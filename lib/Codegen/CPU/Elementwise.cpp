//===- Elementwise.cpp - Tensors computed element by element --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// linalg.generic without reductions, linalg.fill and arithmetic on whole
// tensors. What reads rows, columns or broadcasts runs on vectors along a row;
// a linalg.generic that says itself where it reads (linalg.index,
// tensor.extract) runs on scalars, and may read rows of other tokens.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"
#include "VectorBody.h"
#include "moec/Codegen/Common/IndexedBody.h"

namespace moec::cpu {

/// Where the elements of a tensor are: a weight or rows computed before.
static Buffer sourceOf(KernelLowering &k, Value tensor) {
  Type element = cast<RankedTensorType>(tensor.getType()).getElementType();
  return k.weightNumber(tensor) ? k.paddedWeight(tensor, element)
                                : k.get(tensor);
}

//===----------------------------------------------------------------------===//
// On vectors
//===----------------------------------------------------------------------===//

/// A stage that makes `tensor` row by row from the elements of `operands`, each
/// read by its map.
static void emitElements(KernelLowering &k, Value tensor, ValueRange operands,
                         ArrayRef<OperandAccess> accesses,
                         function_ref<Value(ValueRange elements)> body) {
  KernelEmitter &e = k.e;
  Buffer result = k.allocateResult(tensor);
  RowCount count = k.rowCount(tensor);
  bool tokenRows = count.perToken == 1 && count.fixed == 0;
  auto read = [&](Value operand, OperandAccess access, Value row,
                  Value col) -> Value {
    if (!isa<RankedTensorType>(operand.getType()))
      return e.splat(k.getScalar(operand), e.lanes);
    Buffer source = sourceOf(k, operand);
    Value at = access.byRow ? row : e.index(0);
    if (!access.byCol)
      return e.splat(
          memref::LoadOp::create(e.b, source.memref, {at, e.index(0)}),
          e.lanes);
    return vector::LoadOp::create(e.b, e.vector(source.elementType(), e.lanes),
                                  source.memref, ValueRange{at, col});
  };
  VectorType vectorType = e.vector(result.elementType(), e.lanes);
  int64_t stride = cast<MemRefType>(result.memref.getType()).getDimSize(1);
  e.beginStage(tokenRows ? Split::TokenRows : Split::Other);
  Value zeros =
      arith::ConstantOp::create(e.b, vectorType, e.b.getZeroAttr(vectorType));
  auto [from, to] = e.share(result.rows);
  e.loop(from, to, [&](Value row) {
    e.forVectors(result.cols, [&](Value col, Value mask) {
      SmallVector<Value> elements;
      for (auto [operand, access] : llvm::zip_equal(operands, accesses))
        elements.push_back(read(operand, access, row, col));
      Value value = body(std::move(elements));
      if (mask)
        value = arith::SelectOp::create(e.b, mask, value, zeros);
      vector::StoreOp::create(e.b, value, result.memref, ValueRange{row, col});
    });
    // Whoever multiplies these rows relies on zeros behind them.
    e.clearColumns(result.memref, row, llvm::alignTo(result.cols, e.lanes),
                   stride);
  });
}

/// A linalg.generic that computes its element from those at the same row.
static LogicalResult lowerOnVectors(KernelLowering &k, linalg::GenericOp op) {
  SmallVector<OperandAccess> accesses;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    FailureOr<OperandAccess> access =
        operandAccess(op, op.getMatchingIndexingMap(operand), "CPU");
    if (failed(access))
      return failure();
    accesses.push_back(*access);
  }
  emitElements(k, op.getResult(0), op.getDpsInputs(), accesses,
               [&](ValueRange elements) {
                 // The output's own argument is not read.
                 auto arguments = llvm::to_vector(elements);
                 arguments.push_back(Value());
                 return cloneBodyOnVectors(k.e, *op.getBlock(), arguments,
                                           k.e.lanes)[0];
               });
  return success();
}

//===----------------------------------------------------------------------===//
// On scalars
//===----------------------------------------------------------------------===//

namespace {

class KernelSource : public IndexedSource {
public:
  explicit KernelSource(KernelLowering &k) : k(k) {}

  StringRef backEnd() override { return "CPU"; }
  bool isWeight(Value tensor) override {
    return k.weightNumber(tensor).has_value();
  }
  FailureOr<Value> element(Value tensor, Value row, Value col) override {
    return memref::LoadOp::create(k.e.b, sourceOf(k, tensor).memref,
                                  ValueRange{row, col})
        .getResult();
  }
  FailureOr<Value> number(Value value) override { return k.getScalar(value); }

private:
  KernelLowering &k;
};

} // namespace

/// A linalg.generic that says where it reads. Since that may be in the rows of
/// other tokens, all of them have to be there first.
static LogicalResult lowerOnScalars(KernelLowering &k, linalg::GenericOp op) {
  KernelEmitter &e = k.e;
  Buffer result = k.allocateResult(op.getResult(0));
  auto store = [&](Value element, Value row, Value col) {
    memref::StoreOp::create(e.b, element, result.memref, ValueRange{row, col});
  };
  int64_t stride = cast<MemRefType>(result.memref.getType()).getDimSize(1);
  Value zero =
      arith::ConstantOp::create(e.b, e.b.getZeroAttr(result.elementType()));
  e.beginStage(Split::Other);
  auto [from, to] = e.share(result.rows);
  KernelSource source(k);
  LogicalResult status = success();
  e.loop(from, to, [&](Value row) {
    e.loop(e.index(0), e.index(result.cols), [&](Value col) {
      FailureOr<Value> element = cloneIndexedBody(e.b, op, row, col, source);
      status = success(succeeded(element));
      if (succeeded(element))
        store(*element, row, col);
    });
    e.loop(e.index(result.cols), e.index(stride),
           [&](Value col) { store(zero, row, col); });
  });
  return status;
}

//===----------------------------------------------------------------------===//
// The operations
//===----------------------------------------------------------------------===//

LogicalResult lowerGeneric(KernelLowering &k, linalg::GenericOp op) {
  if (failed(checkOnRows(op, "CPU")))
    return failure();
  if (readsByIndex(op))
    return lowerOnScalars(k, op);
  if (failed(checkElementwise(*op.getBlock(), "vectors")))
    return failure();
  return lowerOnVectors(k, op);
}

LogicalResult lowerFill(KernelLowering &k, linalg::FillOp op) {
  auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType());
  Value number = k.getScalar(op.getInputs()[0]);
  if (!type || type.getRank() != 2 || !number)
    return op.emitOpError("fills something other than rows with a constant");
  emitElements(k, op.getResult(0), {}, {}, [&](ValueRange) -> Value {
    return k.e.splat(number, k.e.lanes);
  });
  return success();
}

LogicalResult lowerElementwise(KernelLowering &k, Operation &op) {
  auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType());
  if (!type || type.getRank() != 2 || type.getElementType().isInteger(1))
    return op.emitOpError("works on ")
           << op.getResult(0).getType()
           << "; the CPU back end lowers element-wise operations on rows";
  SmallVector<OperandAccess> accesses(op.getNumOperands(),
                                      {.byRow = true, .byCol = true});
  emitElements(k, op.getResult(0), op.getOperands(), accesses,
               [&](ValueRange elements) {
                 return cloneOnVectors(k.e, op, elements, k.e.lanes);
               });
  return success();
}

} // namespace moec::cpu

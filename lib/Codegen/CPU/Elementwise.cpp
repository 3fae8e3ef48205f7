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

#include "mlir/IR/IRMapping.h"

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

/// The body of a linalg.generic, for one element of its result.
class ScalarBody {
public:
  ScalarBody(KernelLowering &k, linalg::GenericOp op) : k(k), e(k.e), op(op) {}

  /// The element at the row and column.
  FailureOr<Value> emit(Value row, Value col);

private:
  LogicalResult emit(Operation &inner, Value row, Value col);
  FailureOr<Value> read(Operation *reader, Value tensor, ValueRange index);
  /// A value of the body, or a number from outside of it.
  Value lookup(Value value) {
    Value inside = values.lookupOrNull(value);
    return inside ? inside : k.getScalar(value);
  }

  KernelLowering &k;
  KernelEmitter &e;
  linalg::GenericOp op;
  IRMapping values;
};

} // namespace

FailureOr<Value> ScalarBody::read(Operation *reader, Value tensor,
                                  ValueRange index) {
  bool isRow = index.size() == 1 && k.weightNumber(tensor);
  if (!isRow && index.size() != 2)
    return reader->emitOpError("reads ")
           << tensor.getType()
           << " element by element; the CPU back end reads matrices and rows "
              "of weights so";
  Value row = isRow ? e.index(0) : index[0];
  return memref::LoadOp::create(e.b, sourceOf(k, tensor).memref,
                                ValueRange{row, index.back()})
      .getResult();
}

LogicalResult ScalarBody::emit(Operation &inner, Value row, Value col) {
  if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
    values.map(index.getResult(), index.getDim() == 0 ? row : col);
    return success();
  }
  if (auto extract = dyn_cast<tensor::ExtractOp>(inner)) {
    FailureOr<Value> element =
        read(extract, extract.getTensor(),
             llvm::map_to_vector(extract.getIndices(),
                                 [&](Value index) { return lookup(index); }));
    if (failed(element))
      return failure();
    values.map(extract.getResult(), *element);
    return success();
  }
  if (!isElementwise(inner))
    return inner.emitOpError("has no CPU lowering inside a linalg.generic");
  for (Value operand : inner.getOperands())
    values.map(operand, lookup(operand));
  e.b.clone(inner, values);
  return success();
}

FailureOr<Value> ScalarBody::emit(Value row, Value col) {
  for (auto [argument, operand] :
       llvm::zip(op.getRegionInputArgs(), op.getDpsInputOperands())) {
    if (!isa<RankedTensorType>(operand->get().getType())) {
      values.map(argument, k.getScalar(operand->get()));
      continue;
    }
    SmallVector<Value> index;
    for (AffineExpr expr : op.getMatchingIndexingMap(operand).getResults()) {
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        index.push_back(dim.getPosition() == 0 ? row : col);
      else if (auto place = dyn_cast<AffineConstantExpr>(expr))
        index.push_back(e.index(place.getValue()));
      else
        return op.emitOpError("reads an operand by ")
               << AffineMapAttr::get(op.getMatchingIndexingMap(operand))
               << "; the CPU back end reads at indices and constants";
    }
    FailureOr<Value> element = read(op, operand->get(), index);
    if (failed(element))
      return failure();
    values.map(argument, *element);
  }
  for (Operation &inner : op.getBlock()->without_terminator())
    if (failed(emit(inner, row, col)))
      return failure();
  return lookup(op.getBlock()->getTerminator()->getOperand(0));
}

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
  LogicalResult status = success();
  e.loop(from, to, [&](Value row) {
    e.loop(e.index(0), e.index(result.cols), [&](Value col) {
      FailureOr<Value> element = ScalarBody(k, op).emit(row, col);
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
  if (op.getNumLoops() != 2 || op.getNumParallelLoops() != 2 ||
      op.getNumDpsInits() != 1 || !op.getRegionOutputArgs()[0].use_empty())
    return op.emitOpError("is not an element-wise operation on rows; the CPU "
                          "back end lowers no other linalg.generic");
  bool saysWhere = llvm::any_of(*op.getBlock(), [](Operation &inner) {
    return isa<linalg::IndexOp, tensor::ExtractOp>(inner);
  });
  if (saysWhere)
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

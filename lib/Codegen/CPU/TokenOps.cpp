//===- TokenOps.cpp - Operations on rows of tokens ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.dispatch, moe.combine, moe.identity_experts and element-wise
// linalg.generic: a loop over rows, vectors along a row. The first two are
// what is left of a layer that was not fused.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"
#include "VectorBody.h"

namespace moec::cpu {

/// A vector of `buffer` at the row and column, as f32.
static Value loadF32(KernelEmitter &e, const Buffer &buffer, Value row,
                     Value col) {
  Value x = vector::LoadOp::create(e.b, e.vector(buffer.elementType(), e.lanes),
                                   buffer.memref, ValueRange{row, col});
  if (buffer.elementType().isF32())
    return x;
  return arith::ExtFOp::create(e.b, e.f32Vector(), x);
}

static void storeF32(KernelEmitter &e, Value x, const Buffer &buffer, Value row,
                     Value col) {
  if (!buffer.elementType().isF32())
    x = arith::TruncFOp::create(e.b, e.vector(buffer.elementType(), e.lanes),
                                x);
  vector::StoreOp::create(e.b, x, buffer.memref, ValueRange{row, col});
}

/// Every vector of a row, with the room behind it: padding is copied along.
static void forStride(KernelEmitter &e, const Buffer &buffer,
                      function_ref<void(Value col)> body) {
  int64_t stride = cast<MemRefType>(buffer.memref.getType()).getDimSize(1);
  e.loop(e.index(0), e.index(stride), e.index(e.lanes), body);
}

static Value loadScalar(KernelEmitter &e, const Buffer &buffer, Value row,
                        Value col) {
  return memref::LoadOp::create(e.b, buffer.memref, ValueRange{row, col});
}

/// Slots in use: the last of the offsets the slots were made with.
static FailureOr<Value> slotsInUse(KernelLowering &k, Operation *op,
                                   Value slots) {
  auto group = slots.getDefiningOp<moe::GroupOp>();
  if (!group)
    return op->emitOpError("reads slots that are not a moe.group's");
  Buffer offsets = k.get(group.getOffsets());
  return k.e.toIndex(
      loadScalar(k.e, offsets, k.e.index(0), k.e.index(offsets.cols - 1)));
}

LogicalResult lowerDispatch(KernelLowering &k, moe::DispatchOp op) {
  KernelEmitter &e = k.e;
  Buffer x = k.get(op.getX()), slots = k.get(op.getSlots());
  Buffer rows = k.allocateResult(op.getRows());
  e.beginStage(Split::Other);
  FailureOr<Value> used = slotsInUse(k, op, op.getSlots());
  if (failed(used))
    return failure();
  auto [from, to] = e.share(*used);
  Value choices = e.index(op.getTopK());
  e.loop(from, to, [&](Value row) {
    Value slot = e.toIndex(loadScalar(e, slots, e.index(0), row));
    Value token = e.div(slot, choices);
    Value scale;
    if (op.getScale()) {
      Value choice = arith::RemUIOp::create(e.b, slot, choices);
      scale =
          e.splat(loadScalar(e, k.get(op.getScale()), token, choice), e.lanes);
    }
    forStride(e, rows, [&](Value col) {
      Value value = loadF32(e, x, token, col);
      if (scale)
        value = arith::MulFOp::create(e.b, value, scale);
      storeF32(e, value, rows, row, col);
    });
  });
  return success();
}

LogicalResult lowerCombine(KernelLowering &k, moe::CombineOp op) {
  KernelEmitter &e = k.e;
  Buffer rows = k.get(op.getRows()), weights = k.get(op.getWeights()),
         slots = k.get(op.getSlots());
  Buffer result = k.allocateResult(op.getResult());
  e.beginStage(Split::Other);
  FailureOr<Value> used = slotsInUse(k, op, op.getSlots());
  if (failed(used))
    return failure();
  // Every thread owns columns, as in the fused form.
  int64_t stride = cast<MemRefType>(result.memref.getType()).getDimSize(1);
  auto [from, to] = e.share(e.index(stride / e.lanes));
  Value first = e.mul(from, e.index(e.lanes));
  Value end = e.mul(to, e.index(e.lanes));
  auto forColumns = [&](function_ref<void(Value)> body) {
    e.loop(first, end, e.index(e.lanes), body);
  };
  e.loop(e.index(0), e.tokens, [&](Value token) {
    forColumns([&](Value col) {
      storeF32(e, e.splat(e.f32(0.0), e.lanes), result, token, col);
    });
  });
  Value choices = e.index(weights.cols);
  e.loop(e.index(0), *used, [&](Value row) {
    Value slot = e.toIndex(loadScalar(e, slots, e.index(0), row));
    Value token = e.div(slot, choices);
    Value choice = arith::RemUIOp::create(e.b, slot, choices);
    Value weight = e.splat(loadScalar(e, weights, token, choice), e.lanes);
    forColumns([&](Value col) {
      Value sum = vector::FMAOp::create(e.b, weight, loadF32(e, rows, row, col),
                                        loadF32(e, result, token, col));
      storeF32(e, sum, result, token, col);
    });
  });
  return success();
}

LogicalResult lowerIdentityExperts(KernelLowering &k,
                                   moe::IdentityExpertsOp op) {
  KernelEmitter &e = k.e;
  Buffer x = k.get(op.getX()), ids = k.get(op.getIds()),
         weights = k.get(op.getWeights());
  Buffer result = k.allocateResult(op.getResult());
  e.forTokenRows([&](Value token) {
    // The sum of the weights, and whether there is one at all: a token without
    // identity experts gives zero, even if it is infinite.
    Value no = arith::ConstantOp::create(e.b, e.b.getBoolAttr(false));
    SmallVector<Value> sums = e.loopCarried(
        e.index(0), e.index(ids.cols), e.index(1), {e.f32(0.0), no},
        [&](Value choice, ValueRange sum) -> SmallVector<Value> {
          Value id = loadScalar(e, ids, token, choice);
          Value counts = arith::CmpIOp::create(e.b, arith::CmpIPredicate::sge,
                                               id, e.i32(op.getFrom()));
          Value weight = arith::SelectOp::create(
              e.b, counts, loadScalar(e, weights, token, choice), e.f32(0.0));
          return {arith::AddFOp::create(e.b, sum[0], weight),
                  arith::OrIOp::create(e.b, sum[1], counts)};
        });
    Value total = e.splat(sums[0], e.lanes), any = e.splat(sums[1], e.lanes);
    forStride(e, result, [&](Value col) {
      Value product =
          arith::MulFOp::create(e.b, loadF32(e, x, token, col), total);
      Value value = arith::SelectOp::create(e.b, any, product,
                                            e.splat(e.f32(0.0), e.lanes));
      storeF32(e, value, result, token, col);
    });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Element-wise operations
//===----------------------------------------------------------------------===//

/// How an element-wise operation reads an operand: which dimension of the
/// operand, if any, runs with the rows and which with the columns.
struct OperandAccess {
  bool byRow = false, byCol = false;
};

static FailureOr<OperandAccess> getAccess(linalg::GenericOp op, AffineMap map) {
  OperandAccess access;
  for (AffineExpr result : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (!dim && !isa<AffineConstantExpr>(result))
      return op.emitOpError("reads an operand by ")
             << AffineMapAttr::get(map)
             << "; the CPU back end reads rows, columns or broadcasts";
    if (!dim)
      continue;
    bool isRow = dim.getPosition() == 0;
    if ((isRow && access.byCol) || (isRow ? access.byRow : access.byCol))
      return op.emitOpError("reads an operand transposed, by ")
             << AffineMapAttr::get(map);
    (isRow ? access.byRow : access.byCol) = true;
  }
  return access;
}

/// A stage that makes `tensor` row by row from the elements of `operands`, each
/// read by its map.
static void
emitElements(KernelLowering &k, Value tensor, ValueRange operands,
             ArrayRef<OperandAccess> accesses,
             function_ref<Value(SmallVector<Value> elements)> body) {
  KernelEmitter &e = k.e;
  Buffer result = k.allocateResult(tensor);
  RowCount count = k.rowCount(tensor);
  bool tokenRows = count.perToken == 1 && count.fixed == 0;
  auto read = [&](Value operand, OperandAccess access, Value row,
                  Value col) -> Value {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type)
      return e.splat(k.getScalar(operand), e.lanes);
    Buffer source = k.weightNumber(operand)
                        ? k.paddedWeight(operand, type.getElementType())
                        : k.get(operand);
    Value at = access.byRow ? row : e.index(0);
    if (!access.byCol)
      return e.splat(loadScalar(e, source, at, e.index(0)), e.lanes);
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
    e.loop(e.index(llvm::alignTo(result.cols, e.lanes)), e.index(stride),
           e.index(e.lanes), [&](Value col) {
             vector::StoreOp::create(e.b, zeros, result.memref,
                                     ValueRange{row, col});
           });
  });
}

LogicalResult lowerGeneric(KernelLowering &k, linalg::GenericOp op) {
  if (op.getNumLoops() != 2 || op.getNumParallelLoops() != 2 ||
      op.getNumDpsInits() != 1 || op.hasIndexSemantics() ||
      !op.getRegionOutputArgs()[0].use_empty())
    return op.emitOpError("is not an element-wise operation on rows; the CPU "
                          "back end lowers no other linalg.generic");
  if (failed(checkVectorizable(*op.getBlock())))
    return failure();
  SmallVector<OperandAccess> accesses;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    FailureOr<OperandAccess> access =
        getAccess(op, op.getMatchingIndexingMap(operand));
    if (failed(access))
      return failure();
    accesses.push_back(*access);
  }
  emitElements(k, op.getResult(0), op.getDpsInputs(), accesses,
               [&](SmallVector<Value> elements) {
                 // The output's own argument is not read.
                 elements.push_back(Value());
                 return cloneBodyOnVectors(k.e, *op.getBlock(), elements,
                                           k.e.lanes)[0];
               });
  return success();
}

LogicalResult lowerFill(KernelLowering &k, linalg::FillOp op) {
  auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType());
  Value number = k.getScalar(op.getInputs()[0]);
  if (!type || type.getRank() != 2 || !number)
    return op.emitOpError("fills something other than rows with a constant");
  emitElements(k, op.getResult(0), {}, {}, [&](SmallVector<Value>) -> Value {
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
               [&](SmallVector<Value> elements) {
                 return cloneOnVectors(k.e, op, elements, k.e.lanes);
               });
  return success();
}

} // namespace moec::cpu

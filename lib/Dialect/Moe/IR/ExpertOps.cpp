//===- ExpertOps.cpp - Grouping, dispatch, experts, combine ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers and shapes of the operations in MoeExpertOps.td, but for
// moe.grouped_matmul.
//
//===----------------------------------------------------------------------===//

#include "Syntax.h"
#include "Verify.h"
#include "moec/Dialect/Moe/Moe.h"

#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult GroupOp::verify() {
  if (failed(checkRank(*this, "C1", "ids", getIds(), 2)))
    return failure();
  int64_t experts = static_cast<int64_t>(getExperts());
  RankedTensorType offsets = tensorType(getOffsets());
  if (experts < 1 || offsets.getRank() != 1 || offsets.getDimSize(0) < 1 ||
      offsets.getDimSize(0) - 1 != experts)
    return emitOpError("C2: 'offsets' is ")
           << offsets << " for " << experts << " experts";
  return checkRank(*this, "C3", "slots", getSlots(), 1);
}

/// A dispatch or combine: wide rows on both sides, listed by slots.
static LogicalResult checkRowsAndSlots(Operation *op, Value from,
                                       StringRef fromName, Value to,
                                       Value slots) {
  if (failed(checkRank(op, "C1", fromName, from, 2)) ||
      failed(checkRank(op, "C1", "result", to, 2)) ||
      failed(checkRank(op, "C1", "slots", slots, 1)))
    return failure();
  return success();
}

static LogicalResult checkSameWidth(Operation *op, StringRef label, Value from,
                                    StringRef fromName, Value to) {
  int64_t a = tensorType(from).getDimSize(1), b = tensorType(to).getDimSize(1);
  if (a == b && !ShapedType::isDynamic(a))
    return success();
  return broken(op, label, "'{0}' is {1} wide, the result {2}", fromName,
                sizeText(a), sizeText(b));
}

LogicalResult DispatchOp::verify() {
  if (failed(checkRowsAndSlots(*this, getX(), "x", getRows(), getSlots())) ||
      failed(checkSameWidth(*this, "C1", getX(), "x", getRows())) ||
      failed(
          checkSameRows(*this, "C4", getSlots(), "slots", getRows(), "result")))
    return failure();
  int64_t k = static_cast<int64_t>(getTopK());
  if (k < 1)
    return broken(*this, "C2", "'top_k' is {0}", k);
  if (getX().getType().getEncoding() != getRows().getType().getEncoding())
    return emitOpError("C5: 'x' is ")
           << getX().getType() << ", the result " << getRows().getType();
  if (!getScale())
    return success();
  if (failed(checkRank(*this, "C3", "scale", getScale(), 2)))
    return failure();
  if (int64_t columns = tensorType(getScale()).getDimSize(1); columns != k)
    return broken(*this, "C3", "'scale' has {0} columns, 'top_k' is {1}",
                  sizeText(columns), k);
  return success();
}

LogicalResult CombineOp::verify() {
  if (failed(checkRowsAndSlots(*this, getRows(), "rows", getResult(),
                               getSlots())) ||
      failed(checkRank(*this, "C1", "weights", getWeights(), 2)) ||
      failed(checkSameWidth(*this, "C2", getRows(), "rows", getResult())) ||
      failed(
          checkSameRows(*this, "C3", getRows(), "rows", getSlots(), "slots")))
    return failure();
  return checkSameRows(*this, "C3", getWeights(), "weights", getResult(),
                       "result");
}

LogicalResult IdentityExpertsOp::verify() {
  if (failed(checkRank(*this, "C1", "x", getX(), 2)) ||
      failed(checkRank(*this, "C1", "ids", getIds(), 2)))
    return failure();
  if (tensorType(getIds()).getShape() != tensorType(getWeights()).getShape())
    return emitOpError("C1: 'ids' is ")
           << getIds().getType() << ", 'weights' " << getWeights().getType();
  if (int64_t from = static_cast<int64_t>(getFrom()); from < 0)
    return broken(*this, "C2", "'from' is {0}", from);
  return checkSameRows(*this, "C3", getX(), "x", getIds(), "ids");
}

//===----------------------------------------------------------------------===//
// Shapes of results
//===----------------------------------------------------------------------===//

/// The result has as many rows as `like`, and the width of its type.
static LogicalResult reifyRowsOf(Operation *op, Value like, OpBuilder &builder,
                                 ReifiedRankedShapedTypeDims &shapes) {
  int64_t width = tensorType(op->getResult(0)).getDimSize(1);
  shapes.push_back({tensor::getMixedSize(builder, op->getLoc(), like, 0),
                    builder.getIndexAttr(width)});
  return success();
}

LogicalResult
DispatchOp::reifyResultShapes(OpBuilder &builder,
                              ReifiedRankedShapedTypeDims &shapes) {
  return reifyRowsOf(*this, getSlots(), builder, shapes);
}

LogicalResult
CombineOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  return reifyRowsOf(*this, getWeights(), builder, shapes);
}

LogicalResult
IdentityExpertsOp::reifyResultShapes(OpBuilder &builder,
                                     ReifiedRankedShapedTypeDims &shapes) {
  return reifyRowsOf(*this, getX(), builder, shapes);
}

#define GET_OP_CLASSES
#include "moec/Dialect/Moe/MoeOps.cpp.inc"

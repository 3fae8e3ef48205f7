//===- ExpertOps.cpp - Grouping, dispatch, experts, combine ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers of the operations in MoeExpertOps.td.
//
//===----------------------------------------------------------------------===//

#include "Verify.h"
#include "moec/Dialect/Moe/Moe.h"

using namespace mlir;
using namespace mlir::moe;

LogicalResult GroupOp::verify() {
  if (failed(checkRank(*this, "C1", "ids", getIds(), 2)))
    return failure();
  int64_t experts = static_cast<int64_t>(getExperts());
  RankedTensorType offsets = tensorType(getOffsets());
  if (offsets.getRank() != 1 || experts < 1 ||
      offsets.getDimSize(0) != experts + 1)
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
      failed(checkSameWidth(*this, "C1", getX(), "x", getRows())))
    return failure();
  int64_t k = static_cast<int64_t>(getTopK());
  if (k < 1)
    return broken(*this, "C2", "'top_k' is {0}", k);
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
      failed(checkRank(*this, "C1", "weights", getWeights(), 2)))
    return failure();
  return checkSameWidth(*this, "C2", getRows(), "rows", getResult());
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
  return success();
}

//===----------------------------------------------------------------------===//
// moe.grouped_matmul
//===----------------------------------------------------------------------===//

int64_t GroupedMatmulOp::getNumExperts() {
  return isGrouped() ? tensorType(getWeights()[0]).getDimSize(0) : 1;
}

int64_t GroupedMatmulOp::getN() {
  return tensorType(getWeights()[0]).getShape().drop_back().back();
}

int64_t GroupedMatmulOp::getK() {
  return tensorType(getWeights()[0]).getShape().back();
}

Type GroupedMatmulOp::getWeightType() {
  return tensorType(getWeights()[0]).getElementType();
}

int64_t GroupedMatmulOp::getChoices() {
  if (getGather())
    return static_cast<int64_t>(*getTopK());
  return getCombineWeights() ? tensorType(getCombineWeights()).getDimSize(1)
                             : 1;
}

/// C1 to C4 and C10: the product itself.
static LogicalResult verifyProduct(GroupedMatmulOp op) {
  if (failed(checkRank(op, "C1", "input", op.getInput(), 2)) ||
      failed(checkRank(op, "C1", "result", op.getResult(), 2)))
    return failure();
  if (op.getWeights().empty())
    return broken(op, "C2", "no weight");
  int64_t rank = op.isGrouped() ? 3 : 2;
  auto first = tensorType(op.getWeights()[0]);
  for (auto [i, weight] : llvm::enumerate(op.getWeights())) {
    auto type = tensorType(weight);
    if (type.getRank() != rank || !type.hasStaticShape())
      return op.emitOpError("C2: weight ")
             << i << " is " << type << ", not a static tensor of rank " << rank;
    if (type.getShape() != first.getShape() ||
        type.getElementType() != first.getElementType())
      return op.emitOpError("C2: weight ")
             << i << " is " << type << ", weight 0 is " << first;
  }
  Type element = first.getElementType();
  if (!element.isF32() && !element.isF16() && !element.isBF16())
    return op.emitOpError("C10: weights are ")
           << element << ", not f32, f16 or bf16";
  int64_t width = tensorType(op.getInput()).getDimSize(1);
  if (width != op.getK())
    return broken(op, "C3", "'input' is {0} wide, the weights take {1}",
                  sizeText(width), op.getK());
  width = tensorType(op.getResult()).getDimSize(1);
  if (width != op.getN())
    return broken(op, "C3", "the result is {0} wide, the weights give {1}",
                  sizeText(width), op.getN());
  if (op.isGrouped()) {
    auto offsets = tensorType(op.getOffsets());
    if (offsets.getRank() != 1 ||
        offsets.getDimSize(0) != op.getNumExperts() + 1)
      return op.emitOpError("C4: 'offsets' is ")
             << offsets << " for " << op.getNumExperts() << " experts";
  }
  return success();
}

/// C5, C7, C8 and C9: the operands of the slots.
static LogicalResult verifySlots(GroupedMatmulOp op) {
  SmallVector<int64_t> columnShape(
      tensorType(op.getWeights()[0]).getShape().drop_back());
  for (auto [i, column] : llvm::enumerate(op.getColumns()))
    if (tensorType(column).getShape() != ArrayRef(columnShape))
      return op.emitOpError("C5: column operand ")
             << i << " is " << column.getType() << ", not "
             << RankedTensorType::get(columnShape,
                                      tensorType(column).getElementType());
  if (!op.isGrouped() && (op.getGather() || op.getCombineWeights()))
    return broken(op, "C7", "'{0}' without 'by'",
                  op.getGather() ? "gather" : "combine");
  if (static_cast<bool>(op.getGather()) != op.getTopK().has_value())
    return broken(op, "C7", "'gather' and 'top_k' come together");
  if (op.getScale() && !op.getGather())
    return broken(op, "C7", "'scale' without 'gather'");
  if (op.getOnto() && !op.getCombineWeights())
    return broken(op, "C7", "'onto' without 'combine'");
  if (static_cast<bool>(op.getCombineWeights()) !=
      static_cast<bool>(op.getCombineSlots()))
    return broken(op, "C7", "the weights and slots of 'combine' come together");
  if (op.getScale()) {
    if (failed(checkRank(op, "C8", "scale", op.getScale(), 2)))
      return failure();
    int64_t columns = tensorType(op.getScale()).getDimSize(1);
    if (columns != op.getChoices())
      return broken(op, "C8", "'scale' has {0} columns, 'top_k' is {1}",
                    sizeText(columns), op.getChoices());
  }
  if (op.getCombineWeights() &&
      failed(checkRank(op, "C8", "combine", op.getCombineWeights(), 2)))
    return failure();
  if (op.getOnto()) {
    if (failed(checkRank(op, "C9", "onto", op.getOnto(), 2)))
      return failure();
    int64_t width = tensorType(op.getOnto()).getDimSize(1);
    if (width != op.getN())
      return broken(op, "C9", "'onto' is {0} wide, the result {1}",
                    sizeText(width), op.getN());
  }
  return success();
}

LogicalResult GroupedMatmulOp::verify() {
  if (failed(verifyProduct(*this)))
    return failure();
  return verifySlots(*this);
}

LogicalResult GroupedMatmulOp::verifyRegions() {
  size_t wanted = getWeights().size() + getColumns().size();
  if (!hasEpilogue()) {
    if (wanted != 1)
      return broken(*this, "C6", "{0} weights and {1} columns, but no epilogue",
                    getWeights().size(), getColumns().size());
    return success();
  }
  Block &block = getEpilogue().front();
  if (block.getNumArguments() != wanted)
    return broken(*this, "C6", "the epilogue takes {0} arguments, not {1}",
                  block.getNumArguments(), wanted);
  for (auto [i, type] : llvm::enumerate(block.getArgumentTypes()))
    if (!type.isF32())
      return emitOpError("C6: argument ")
             << i << " of the epilogue is " << type << ", not f32";
  auto yield =
      dyn_cast_if_present<YieldOp>(block.empty() ? nullptr : &block.back());
  if (!yield || yield.getNumOperands() != 1 ||
      !yield.getOperand(0).getType().isF32())
    return emitOpError("C6: the epilogue does not yield one f32");
  return success();
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

LogicalResult
GroupedMatmulOp::reifyResultShapes(OpBuilder &builder,
                                   ReifiedRankedShapedTypeDims &shapes) {
  Value like = getCombineWeights() ? Value(getCombineWeights())
               : getGather()       ? Value(getGather())
                                   : Value(getInput());
  return reifyRowsOf(*this, like, builder, shapes);
}

#define GET_OP_CLASSES
#include "moec/Dialect/Moe/MoeOps.cpp.inc"

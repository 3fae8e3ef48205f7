//===- GroupedMatmulOp.cpp - The experts' product -------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifier, shape and accessors of moe.grouped_matmul.
//
//===----------------------------------------------------------------------===//

#include "Verify.h"
#include "moec/Dialect/Moe/Moe.h"

using namespace mlir;
using namespace mlir::moe;

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

/// The operand that has a row for each row of the result, and its name.
Value GroupedMatmulOp::getRowsOperand() {
  if (getCombineWeights())
    return getCombineWeights();
  return getGather() ? Value(getGather()) : Value(getInput());
}

static StringRef getRowsName(GroupedMatmulOp op) {
  if (op.getCombineWeights())
    return "combine weights";
  return op.getGather() ? "gather" : "input";
}

static bool isProductElement(Type type) {
  return type.isF32() || type.isF16() || type.isBF16();
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
    if (type != first)
      return op.emitOpError("C2: weight ")
             << i << " is " << type << ", weight 0 is " << first;
  }
  Type element = first.getElementType();
  if (!isProductElement(element))
    return op.emitOpError("C10: weights are of ")
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

/// C5 and C10: the operands of the epilogue.
static LogicalResult verifyColumns(GroupedMatmulOp op) {
  ArrayRef<int64_t> shape =
      tensorType(op.getWeights()[0]).getShape().drop_back();
  for (auto [i, column] : llvm::enumerate(op.getColumns())) {
    RankedTensorType type = tensorType(column);
    if (type.getShape() != shape)
      return op.emitOpError("C5: column operand ")
             << i << " is " << type << ", not "
             << RankedTensorType::get(shape, type.getElementType());
    if (!isProductElement(type.getElementType()))
      return op.emitOpError("C10: column operand ")
             << i << " is of " << type.getElementType()
             << ", not f32, f16 or bf16";
  }
  return success();
}

/// C7: which slots go together.
static LogicalResult verifySlotsPresent(GroupedMatmulOp op) {
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
  return success();
}

/// C8 and C9: the shapes of the slots' operands.
static LogicalResult verifySlotShapes(GroupedMatmulOp op) {
  if (op.getGather()) {
    if (failed(checkRank(op, "C8", "gather", op.getGather(), 1)))
      return failure();
    if (op.getChoices() < 1)
      return broken(op, "C8", "'top_k' is {0}", op.getChoices());
  }
  if (op.getScale()) {
    if (failed(checkRank(op, "C8", "scale", op.getScale(), 2)))
      return failure();
    int64_t columns = tensorType(op.getScale()).getDimSize(1);
    if (columns != op.getChoices())
      return broken(op, "C8", "'scale' has {0} columns, 'top_k' is {1}",
                    sizeText(columns), op.getChoices());
  }
  if (op.getCombineWeights() &&
      (failed(
           checkRank(op, "C8", "combine weights", op.getCombineWeights(), 2)) ||
       failed(checkRank(op, "C8", "combine slots", op.getCombineSlots(), 1))))
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
  if (failed(verifyProduct(*this)) || failed(verifyColumns(*this)) ||
      failed(verifySlotsPresent(*this)) || failed(verifySlotShapes(*this)) ||
      failed(checkSameRows(*this, "C11", getRowsOperand(), getRowsName(*this),
                           getResult(), "result")))
    return failure();
  if (getOnto())
    return checkSameRows(*this, "C11", getOnto(), "onto", getResult(),
                         "result");
  return success();
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
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getNumOperands() != 1 ||
      !yield.getOperand(0).getType().isF32())
    return emitOpError("C6: the epilogue does not yield one f32");
  return success();
}

void GroupedMatmulOp::getAsmBlockArgumentNames(Region &region,
                                               OpAsmSetValueNameFn setName) {
  for (BlockArgument argument : region.getArguments())
    setName(argument,
            argument.getArgNumber() < getWeights().size() ? "acc" : "column");
}

LogicalResult
GroupedMatmulOp::reifyResultShapes(OpBuilder &builder,
                                   ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(
      {tensor::getMixedSize(builder, getLoc(), getRowsOperand(), 0),
       builder.getIndexAttr(getN())});
  return success();
}

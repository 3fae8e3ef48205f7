//===- RouterOps.cpp - The router and its small operations ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers and shapes of the operations in MoeRouterOps.td.
//
//===----------------------------------------------------------------------===//

#include "Verify.h"
#include "moec/Dialect/Moe/Moe.h"

using namespace mlir;
using namespace mlir::moe;

//===----------------------------------------------------------------------===//
// moe.router
//===----------------------------------------------------------------------===//

/// The type of one row of `type`: a tensor without its first dimension, or a
/// scalar when nothing is left.
static Type rowType(RankedTensorType type) {
  if (type.getRank() == 1)
    return type.getElementType();
  return RankedTensorType::get(type.getShape().drop_front(),
                               type.getElementType());
}

/// By convention the first two results are ids and weights, of one shape.
void RouterOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults() < 2)
    return;
  auto ids = dyn_cast<RankedTensorType>(getResult(0).getType());
  auto weights = dyn_cast<RankedTensorType>(getResult(1).getType());
  if (!ids || !weights || !ids.getElementType().isInteger(32) ||
      !weights.getElementType().isF32() || ids.getShape() != weights.getShape())
    return;
  setName(getResult(0), "ids");
  setName(getResult(1), "weights");
  if (getNumResults() > 2)
    setName(getResult(2), "");
}

void RouterOp::getAsmBlockArgumentNames(Region &region,
                                        OpAsmSetValueNameFn setName) {
  for (BlockArgument argument : region.getArguments())
    setName(argument, isRowArg(argument) ? "row" : "param");
}

bool RouterOp::isRowArg(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && argument.getParentRegion() == &getBody() &&
         argument.getArgNumber() < getRows().size();
}

Value RouterOp::getOutside(Value argument) {
  // Arguments are in the order of the operands.
  return getOperand(cast<BlockArgument>(argument).getArgNumber());
}

YieldOp RouterOp::getYield() {
  return cast<YieldOp>(getBody().front().getTerminator());
}

LogicalResult RouterOp::verify() {
  if (getRows().empty())
    return broken(*this, "C1", "'rows' is empty");
  for (auto [i, row] : llvm::enumerate(getRows()))
    if (tensorType(row).getRank() < 1)
      return broken(*this, "C1", "'rows' {0} has rank 0", i);
  int64_t tokens = tensorType(getRows()[0]).getDimSize(0);
  for (auto [i, row] : llvm::enumerate(getRows()))
    if (!compatible(tokens, tensorType(row).getDimSize(0)))
      return broken(*this, "C1",
                    "'rows' {0} has a first dimension of {1}, 'rows' 0 of {2}",
                    i, sizeText(tensorType(row).getDimSize(0)),
                    sizeText(tokens));
  auto isStatic = [](ArrayRef<int64_t> shape) {
    return llvm::none_of(shape, ShapedType::isDynamic);
  };
  for (Value row : getRows())
    if (!isStatic(tensorType(row).getShape().drop_front()))
      return emitOpError("C4: a row of ") << row.getType() << " is not static";
  for (Value param : getParams())
    if (!isStatic(tensorType(param).getShape()))
      return emitOpError("C4: ") << param.getType() << " is not static";
  return success();
}

LogicalResult RouterOp::verifyRegions() {
  Block &block = getBody().front();
  size_t wanted = getRows().size() + getParams().size();
  if (block.getNumArguments() != wanted)
    return broken(*this, "C2", "the region takes {0} arguments, not {1}",
                  block.getNumArguments(), wanted);
  for (auto [i, argument] : llvm::enumerate(block.getArguments())) {
    Type type = i < getRows().size()
                    ? rowType(tensorType(getRows()[i]))
                    : getParams()[i - getRows().size()].getType();
    if (argument.getType() != type)
      return emitOpError("C2: argument ")
             << i << " of the region is " << argument.getType() << ", not "
             << type;
  }
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield)
    return emitOpError("C3: the region does not end in moe.yield");
  if (yield.getNumOperands() != getNumResults())
    return broken(*this, "C3", "the region yields {0} values for {1} results",
                  yield.getNumOperands(), getNumResults());
  int64_t tokens = tensorType(getRows()[0]).getDimSize(0);
  for (auto [i, value] : llvm::enumerate(yield.getOperands())) {
    auto type = cast<RankedTensorType>(getResult(i).getType());
    if (type.getRank() < 1 || rowType(type) != value.getType() ||
        !compatible(tokens, type.getDimSize(0)))
      return emitOpError("C3: result ")
             << i << " is " << type << ", but its row is " << value.getType();
  }
  return success();
}

LogicalResult
RouterOp::reifyResultShapes(OpBuilder &builder,
                            ReifiedRankedShapedTypeDims &reifiedReturnShapes) {
  OpFoldResult tokens =
      tensor::getMixedSize(builder, getLoc(), getRows()[0], 0);
  for (Value result : getResults()) {
    SmallVector<OpFoldResult> shape{tokens};
    for (int64_t size : tensorType(result).getShape().drop_front())
      shape.push_back(builder.getIndexAttr(size));
    reifiedReturnShapes.push_back(shape);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Row operations
//===----------------------------------------------------------------------===//

LogicalResult LinearOp::verify() {
  RankedTensorType x = tensorType(getX()), weight = tensorType(getWeight()),
                   y = tensorType(getResult());
  if (x.getRank() < 1 || x.getRank() > 2)
    return broken(*this, "C1", "'x' has rank {0}, not 1 or 2", x.getRank());
  if (failed(checkRank(*this, "C1", "weight", getWeight(), 2)))
    return failure();
  int64_t k = x.getShape().back();
  if (!compatible(k, weight.getDimSize(1)))
    return broken(*this, "C2", "'x' is {0} wide, 'weight' {1}", sizeText(k),
                  sizeText(weight.getDimSize(1)));
  if (getBias()) {
    if (failed(checkRank(*this, "C1", "bias", getBias(), 1)))
      return failure();
    int64_t size = tensorType(getBias()).getDimSize(0);
    if (!compatible(size, weight.getDimSize(0)))
      return broken(*this, "C3", "'bias' has {0} elements, 'weight' {1} rows",
                    sizeText(size), sizeText(weight.getDimSize(0)));
  }
  SmallVector<int64_t> shape(x.getShape().drop_back());
  shape.push_back(weight.getDimSize(0));
  if (y.getRank() != x.getRank() ||
      !llvm::all_of(llvm::zip(y.getShape(), shape), [](auto pair) {
        return compatible(std::get<0>(pair), std::get<1>(pair));
      }))
    return emitOpError("C4: result is ")
           << y << ", not " << y.cloneWith(shape, y.getElementType());
  return success();
}

LogicalResult
LinearOp::reifyResultShapes(OpBuilder &builder,
                            ReifiedRankedShapedTypeDims &reifiedReturnShapes) {
  SmallVector<OpFoldResult> shape;
  if (tensorType(getX()).getRank() == 2)
    shape.push_back(tensor::getMixedSize(builder, getLoc(), getX(), 0));
  shape.push_back(builder.getIndexAttr(tensorType(getWeight()).getDimSize(0)));
  reifiedReturnShapes.push_back(shape);
  return success();
}

LogicalResult NormalizeOp::verify() {
  if (!getEps().isFinite() || (getEps().isNegative() && !getEps().isZero()))
    return broken(*this, "C1", "'eps' is {0}, not a finite number from 0 up",
                  getEps().convertToDouble());
  return success();
}

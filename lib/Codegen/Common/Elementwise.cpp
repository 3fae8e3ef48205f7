//===- Elementwise.cpp - Operations on the elements of tensors ------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Codegen/Common/Elementwise.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace moec {

bool isElementwise(Operation &op) {
  return isa<arith::ConstantOp>(op) ||
         (OpTrait::hasElementwiseMappableTraits(&op) &&
          op.getNumResults() == 1);
}

LogicalResult checkElementwise(Block &body, StringRef where) {
  for (Operation &op : body) {
    if (&op != body.getTerminator() && !isElementwise(op))
      return op.emitOpError("is not element-wise, so it cannot run on ")
             << where;
    for (Value operand : op.getOperands())
      if (operand.getParentBlock() != &body &&
          !operand.getDefiningOp<arith::ConstantOp>())
        return op.emitOpError("reads a value from outside of its region that "
                              "is not a constant");
  }
  return success();
}

Value cloneElementwise(OpBuilder &b, Location loc, Operation &op,
                       ValueRange operands, ElementHolder holder) {
  Type type = holder(getElementTypeOrSelf(op.getResult(0).getType()));
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    Attribute value = constant.getValue();
    if (auto splat = dyn_cast<SplatElementsAttr>(value))
      value = splat.getSplatValue<Attribute>();
    if (auto shaped = dyn_cast<ShapedType>(type))
      value = DenseElementsAttr::get(shaped, value);
    return arith::ConstantOp::create(b, loc, cast<TypedAttr>(value));
  }
  OperationState state(loc, op.getName());
  state.addOperands(operands);
  state.addTypes(type);
  state.addAttributes(op.getAttrs());
  return b.create(state)->getResult(0);
}

SmallVector<Value> cloneElementwiseBody(OpBuilder &b, Location loc, Block &body,
                                        ValueRange arguments,
                                        ElementHolder holder) {
  IRMapping map;
  map.map(body.getArguments(), arguments);
  // Canonicalization moves constants out of the region.
  auto lookup = [&](Value value) -> Value {
    if (Value mapped = map.lookupOrNull(value))
      return mapped;
    Value mapped = cloneElementwise(b, loc, *value.getDefiningOp(), {}, holder);
    map.map(value, mapped);
    return mapped;
  };
  for (Operation &op : body.without_terminator()) {
    SmallVector<Value> operands = llvm::map_to_vector(op.getOperands(), lookup);
    map.map(op.getResult(0), cloneElementwise(b, loc, op, operands, holder));
  }
  return llvm::map_to_vector(body.getTerminator()->getOperands(), lookup);
}

LogicalResult checkOnRows(linalg::GenericOp op, StringRef backEnd) {
  if (op.getNumLoops() == 2 && op.getNumParallelLoops() == 2 &&
      op.getNumDpsInits() == 1 && op.getRegionOutputArgs()[0].use_empty())
    return success();
  return op.emitOpError("is not an element-wise operation on rows; the ")
         << backEnd << " back end lowers no other linalg.generic";
}

FailureOr<OperandAccess> operandAccess(linalg::GenericOp op, AffineMap map,
                                       StringRef backEnd) {
  OperandAccess access;
  for (AffineExpr result : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (!dim && !isa<AffineConstantExpr>(result))
      return op.emitOpError("reads an operand by ")
             << AffineMapAttr::get(map) << "; the " << backEnd
             << " back end reads rows, columns or broadcasts";
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

} // namespace moec

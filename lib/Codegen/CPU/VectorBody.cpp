//===- VectorBody.cpp - Scalar regions on vectors -------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Epilogues and element-wise operations are written on scalars; the kernel runs
// them on whole vectors. Every operation in them is ElementwiseMappable, so a
// clone with vector types means the same.
//
//===----------------------------------------------------------------------===//

#include "VectorBody.h"

#include "mlir/IR/IRMapping.h"

namespace moec::cpu {

bool isVectorizable(Operation &op) {
  return isa<arith::ConstantOp>(op) ||
         (OpTrait::hasElementwiseMappableTraits(&op) &&
          op.getNumResults() == 1);
}

LogicalResult checkVectorizable(Block &body) {
  for (Operation &op : body) {
    if (&op != body.getTerminator() && !isVectorizable(op))
      return op.emitOpError("is not element-wise, so it cannot run on vectors");
    for (Value operand : op.getOperands())
      if (operand.getParentBlock() != &body &&
          !operand.getDefiningOp<arith::ConstantOp>())
        return op.emitOpError("reads a value from outside of its region that "
                              "is not a constant");
  }
  return success();
}

Value cloneOnVectors(KernelEmitter &e, Operation &op, ValueRange operands,
                     int64_t width) {
  auto type = e.vector(getElementTypeOrSelf(op.getResult(0).getType()), width);
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    Attribute value = constant.getValue();
    if (auto splat = dyn_cast<SplatElementsAttr>(value))
      value = splat.getSplatValue<Attribute>();
    return arith::ConstantOp::create(e.b, type,
                                     DenseElementsAttr::get(type, value));
  }
  OperationState state(e.b.getLoc(), op.getName());
  state.addOperands(operands);
  state.addTypes(type);
  state.addAttributes(op.getAttrs());
  return e.b.create(state)->getResult(0);
}

SmallVector<Value> cloneBodyOnVectors(KernelEmitter &e, Block &body,
                                      ValueRange arguments, int64_t width) {
  IRMapping map;
  map.map(body.getArguments(), arguments);
  // Canonicalization moves constants out of the region.
  auto lookup = [&](Value value) -> Value {
    if (Value mapped = map.lookupOrNull(value))
      return mapped;
    Value mapped = cloneOnVectors(e, *value.getDefiningOp(), {}, width);
    map.map(value, mapped);
    return mapped;
  };
  for (Operation &op : body.without_terminator()) {
    SmallVector<Value> operands = llvm::map_to_vector(op.getOperands(), lookup);
    map.map(op.getResult(0), cloneOnVectors(e, op, operands, width));
  }
  return llvm::map_to_vector(body.getTerminator()->getOperands(), lookup);
}

} // namespace moec::cpu

//===- ScalarBody.cpp - Regions on the numbers of a thread ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every operation in them is ElementwiseMappable, so a clone with scalar types
// means the same.
//
//===----------------------------------------------------------------------===//

#include "ScalarBody.h"

#include "mlir/IR/IRMapping.h"

namespace moec::nvptx {

bool isElementwise(Operation &op) {
  return isa<arith::ConstantOp>(op) ||
         (OpTrait::hasElementwiseMappableTraits(&op) &&
          op.getNumResults() == 1);
}

LogicalResult checkElementwise(Block &body) {
  for (Operation &op : body) {
    if (&op != body.getTerminator() && !isElementwise(op))
      return op.emitOpError("is not element-wise, so it cannot run on the "
                            "numbers of one thread");
    for (Value operand : op.getOperands())
      if (operand.getParentBlock() != &body &&
          !operand.getDefiningOp<arith::ConstantOp>())
        return op.emitOpError("reads a value from outside of its region that "
                              "is not a constant");
  }
  return success();
}

Value cloneOnElements(DeviceKernel &k, Operation &op, ValueRange elements) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    Attribute value = constant.getValue();
    if (auto splat = dyn_cast<SplatElementsAttr>(value))
      value = splat.getSplatValue<Attribute>();
    return arith::ConstantOp::create(k.b, cast<TypedAttr>(value));
  }
  OperationState state(k.b.getLoc(), op.getName());
  state.addOperands(elements);
  state.addTypes(getElementTypeOrSelf(op.getResult(0).getType()));
  state.addAttributes(op.getAttrs());
  return k.b.create(state)->getResult(0);
}

Value cloneBody(DeviceKernel &k, Block &body, ValueRange elements) {
  IRMapping map;
  map.map(body.getArguments(), elements);
  // Canonicalization moves constants out of the region.
  auto lookup = [&](Value value) -> Value {
    if (Value mapped = map.lookupOrNull(value))
      return mapped;
    Value mapped = cloneOnElements(k, *value.getDefiningOp(), {});
    map.map(value, mapped);
    return mapped;
  };
  for (Operation &op : body.without_terminator()) {
    SmallVector<Value> operands = llvm::map_to_vector(op.getOperands(), lookup);
    map.map(op.getResult(0), cloneOnElements(k, op, operands));
  }
  return lookup(body.getTerminator()->getOperand(0));
}

} // namespace moec::nvptx

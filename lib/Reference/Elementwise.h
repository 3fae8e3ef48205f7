//===- Elementwise.h - the same for every element ---------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element-wise operations work on tensors of any shape, whatever their types
// say: the body of a linalg.generic or of an epilogue is evaluated once, with
// every scalar in it standing for the whole iteration space. A scalar goes with
// any shape.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_REFERENCE_ELEMENTWISE_H
#define MOEC_LIB_REFERENCE_ELEMENTWISE_H

#include "Evaluator.h"

namespace moec::reference {

/// The operands of an element-wise operation, read element by element.
class Elements {
public:
  /// Fails if the operands' shapes do not go together.
  static llvm::Expected<Elements> of(mlir::Operation *op, const Frame &frame);

  const Shape &shape() const { return common; }
  int64_t size() const { return count; }
  Number number(unsigned operand, int64_t i) const {
    const Tensor &tensor = *operands[operand];
    return tensor.at(tensor.rank() == 0 ? 0 : i);
  }
  int64_t integer(unsigned operand, int64_t i) const {
    const Tensor &tensor = *operands[operand];
    return tensor.ints[tensor.rank() == 0 ? 0 : i];
  }
  /// Whether rounding may change an element that is not a float.
  bool isUncertain(unsigned operand, int64_t i) const {
    const Tensor &tensor = *operands[operand];
    return tensor.errorAt(tensor.rank() == 0 ? 0 : i) > 0;
  }
  bool isFloat(unsigned operand) const {
    return operands[operand]->kind == Kind::Float;
  }

private:
  llvm::SmallVector<const Tensor *> operands;
  Shape common;
  int64_t count = 1;
};

/// Bool for i1, else Int.
Kind integerKind(mlir::Type type);

/// `value` as an integer of `type`: the low bits, with their sign.
int64_t wrapped(int64_t value, mlir::Type type);

/// A tensor of integers or truth values of which some may be uncertain.
class IntegerResult {
public:
  IntegerResult(const Shape &shape, mlir::Type type)
      : tensor(Tensor::integers(shape, integerKind(type))), type(type) {}
  void set(int64_t i, int64_t value, bool isUncertain) {
    tensor.ints[i] = wrapped(value, type);
    if (!isUncertain)
      return;
    if (tensor.error.empty())
      tensor.error.assign(tensor.ints.size(), 0);
    tensor.error[i] = infinity;
  }
  Tensor take() { return std::move(tensor); }

private:
  Tensor tensor;
  mlir::Type type;
};

/// `tensor`, repeated to `shape` if it is a scalar.
TensorRef spread(TensorRef tensor, const Shape &shape);

/// Evaluates `block` once for all points of an iteration space of `shape`:
/// `arguments` hold, for each argument of the block, a value for each point.
/// Returns the yielded values, one for each point.
llvm::Expected<llvm::SmallVector<TensorRef>>
evaluateForAll(mlir::Block &block, llvm::ArrayRef<TensorRef> arguments,
               const Shape &shape, Frame &frame);

} // namespace moec::reference

#endif // MOEC_LIB_REFERENCE_ELEMENTWISE_H

//===- Formula.h - Element-wise formulas ------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builds a formula out of element-wise operations and reports the first failure
// at its end.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_IMPORT_HUGGINGFACE_FORMULA_H
#define MOEC_LIB_IMPORT_HUGGINGFACE_FORMULA_H

#include "RoutineBuilder.h"

namespace moec::hf {

/// Builds element-wise formulas; the first failure stays.
class Formula {
public:
  Formula(RoutineBuilder &builder, const Expr &at) : builder(builder), at(at) {}

  ValueId op(Op op, llvm::ArrayRef<ValueId> operands) {
    if (failed)
      return operands[0];
    ValueResult result = builder.elementwise(op, at, operands);
    if (result)
      return *result;
    failed = result.takeError();
    hasFailed = true;
    return operands[0];
  }
  ValueId number(double value) { return builder.constant(value, at.loc); }
  ValueResult finish(ValueId value) {
    if (hasFailed)
      return std::move(failed);
    llvm::consumeError(std::move(failed));
    return value;
  }

private:
  RoutineBuilder &builder;
  const Expr &at;
  llvm::Error failed = llvm::Error::success();
  bool hasFailed = false;
};

} // namespace moec::hf

#endif // MOEC_LIB_IMPORT_HUGGINGFACE_FORMULA_H

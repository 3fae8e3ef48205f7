//===- Elementwise.h - Operations on the elements of tensors ----*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Epilogues and element-wise operations are written on scalars or on tensors.
// Every operation in them is ElementwiseMappable, so a clone with other types,
// the vectors of a CPU or the numbers of a GPU's thread, means the same.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_CODEGEN_COMMON_ELEMENTWISE_H
#define MOEC_CODEGEN_COMMON_ELEMENTWISE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace moec {

/// Whether the operation works element by element and has one result.
bool isElementwise(mlir::Operation &op);

/// Reports the first operation of a region that is not element-wise, so that it
/// cannot run on `where`, or reads something from outside that is not a
/// constant.
mlir::LogicalResult checkElementwise(mlir::Block &body, llvm::StringRef where);

/// What holds an element of a type where the code runs.
using ElementHolder = llvm::function_ref<mlir::Type(mlir::Type element)>;

/// A copy of an element-wise operation on `operands`.
mlir::Value cloneElementwise(mlir::OpBuilder &b, mlir::Location loc,
                             mlir::Operation &op, mlir::ValueRange operands,
                             ElementHolder holder);

/// What a checked region yields from `arguments`.
llvm::SmallVector<mlir::Value>
cloneElementwiseBody(mlir::OpBuilder &b, mlir::Location loc, mlir::Block &body,
                     mlir::ValueRange arguments, ElementHolder holder);

/// Reports an operation that is more than one result, element by element, with
/// a row for each token.
mlir::LogicalResult checkOnRows(mlir::linalg::GenericOp op,
                                llvm::StringRef backEnd);

/// How an element-wise operation reads an operand: whether rows and columns of
/// the operand run with those of the result.
struct OperandAccess {
  bool byRow = false, byCol = false;
};

/// The access by `map`. Reports one that `backEnd` has no code for.
mlir::FailureOr<OperandAccess> operandAccess(mlir::linalg::GenericOp op,
                                             mlir::AffineMap map,
                                             llvm::StringRef backEnd);

} // namespace moec

#endif // MOEC_CODEGEN_COMMON_ELEMENTWISE_H

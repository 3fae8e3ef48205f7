//===- IndexedBody.h - A linalg.generic that says where it reads -*- C++ -*-==//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The body of a linalg.generic with linalg.index and tensor.extract, for one
// element of its result. It may read rows of other tokens, so all of them have
// to be there before.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_CODEGEN_COMMON_INDEXEDBODY_H
#define MOEC_CODEGEN_COMMON_INDEXEDBODY_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace moec {

/// Whether the operation says itself where it reads.
bool readsByIndex(mlir::linalg::GenericOp op);

/// What a back end has for the body.
class IndexedSource {
public:
  virtual ~IndexedSource() = default;

  /// The back end's name, for messages.
  virtual llvm::StringRef backEnd() = 0;
  virtual bool isWeight(mlir::Value tensor) = 0;
  /// An element of a matrix, or of a weight that is one row, at indices.
  virtual mlir::FailureOr<mlir::Value>
  element(mlir::Value tensor, mlir::Value row, mlir::Value col) = 0;
  /// A number from outside of the body.
  virtual mlir::FailureOr<mlir::Value> number(mlir::Value value) = 0;
};

/// What the body yields for the element at `row` and `col`, which are indices.
/// Reports what no back end reads so.
mlir::FailureOr<mlir::Value> cloneIndexedBody(mlir::OpBuilder &b,
                                              mlir::linalg::GenericOp op,
                                              mlir::Value row, mlir::Value col,
                                              IndexedSource &source);

} // namespace moec

#endif // MOEC_CODEGEN_COMMON_INDEXEDBODY_H

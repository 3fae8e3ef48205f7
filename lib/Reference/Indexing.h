//===- Indexing.h - walking over the elements of tensors --------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Row-major order, and sizes that are attributes or values.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_REFERENCE_INDEXING_H
#define MOEC_LIB_REFERENCE_INDEXING_H

#include "Evaluator.h"

namespace moec::reference {

/// The distance of neighbours along each dimension.
Shape stridesOf(llvm::ArrayRef<int64_t> shape);

/// Calls `function` with every index of `shape`, in row-major order.
void forEachIndex(llvm::ArrayRef<int64_t> shape,
                  llvm::function_ref<void(llvm::ArrayRef<int64_t>)> function);

/// A tensor of `shape` made of the elements of `source` at `from`.
Tensor gathered(const Tensor &source, Shape shape,
                llvm::ArrayRef<int64_t> from);

/// A size or index that is an attribute or a scalar in `frame`.
int64_t valueOf(mlir::OpFoldResult value, const Frame &frame);
llvm::SmallVector<int64_t> valuesOf(llvm::ArrayRef<mlir::OpFoldResult> values,
                                    const Frame &frame);

/// `sizes` as the shape of a new tensor; an error at `op` if one is negative or
/// if the tensor would be unreasonably large.
llvm::Expected<Shape> checkedShape(mlir::Operation *op,
                                   llvm::ArrayRef<int64_t> sizes);

/// The shape of a value of `type`, whose dynamic sizes are `dynamicSizes`.
llvm::Expected<Shape> shapeOfType(mlir::Operation *op, mlir::Type type,
                                  mlir::ValueRange dynamicSizes,
                                  const Frame &frame);

/// The one element of a scalar.
inline int64_t scalarInteger(const Tensor &tensor) { return tensor.ints[0]; }

} // namespace moec::reference

#endif // MOEC_LIB_REFERENCE_INDEXING_H

//===- AffineEval.h - Subscripts of tensor declarations ---------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluates the subscript and the file shape of a tensor declaration.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_IMPORT_HUGGINGFACE_AFFINEEVAL_H
#define MOEC_LIB_IMPORT_HUGGINGFACE_AFFINEEVAL_H

#include "RoutineBuilder.h"
#include "moec/Import/HuggingFace/Model.h"

namespace moec::hf {

/// Where a logical tensor's elements lie in a data tensor.
struct FileLayout {
  std::vector<AffineIndex> subscript;
  Shape shape;
};

/// `shape` is the logical one. Without a subscript the indices go in their
/// order; without `of` the file tensor is as small as the subscript allows.
/// Fails if a subscript is not affine or leaves the file tensor.
llvm::Expected<FileLayout> evaluateLayout(const LayerScope &scope,
                                          const TensorDeclaration &declaration,
                                          llvm::ArrayRef<int64_t> shape,
                                          bool stacked);

} // namespace moec::hf

#endif // MOEC_LIB_IMPORT_HUGGINGFACE_AFFINEEVAL_H

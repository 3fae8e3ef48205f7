//===- IndexMap.h - where a weight's numbers lie in a file ------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The `at` map of a moe.weight over a box of logical indices: checked against
// the shape of the stored tensor, and evaluated to positions in it.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_REFERENCE_INDEXMAP_H
#define MOEC_LIB_REFERENCE_INDEXMAP_H

#include "moec/Support/DType.h"

#include "mlir/IR/AffineMap.h"
#include "llvm/Support/Error.h"

#include <vector>

namespace moec::reference {

/// The positions, in row-major order of a stored tensor, of a box of elements.
struct StoredPositions {
  /// One for each logical index, in row-major order.
  std::vector<int64_t> positions;
  /// The first and the last of them.
  int64_t lowest = 0, highest = 0;
};

/// Evaluates `map` on every index of the box that starts at `begin` and has
/// `size` (no dimension of 0). Fails if the map has another number of inputs
/// or results than there are dimensions, divides by zero, or leaves `stored`;
/// `name` is the tensor that messages name.
llvm::Expected<StoredPositions> storedPositions(mlir::AffineMap map,
                                                llvm::ArrayRef<int64_t> begin,
                                                llvm::ArrayRef<int64_t> size,
                                                llvm::ArrayRef<int64_t> stored,
                                                llvm::StringRef name);

} // namespace moec::reference

#endif // MOEC_LIB_REFERENCE_INDEXMAP_H

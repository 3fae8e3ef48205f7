//===- Verify.h - Reporting violated constraints ----------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every verifier clause has the label its constraint has in the .td file, and a
// message that names the operand, the dimension and both values.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DIALECT_MOE_IR_VERIFY_H
#define MOEC_LIB_DIALECT_MOE_IR_VERIFY_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::moe {

/// Reports on `op` that it breaks the constraint `label`.
template <typename... Args>
LogicalResult broken(Operation *op, StringRef label, const char *format,
                     Args &&...args) {
  return op->emitOpError() << label << ": "
                           << llvm::formatv(format, args...).str();
}

/// How a dimension reads in a message: its size, or "?".
inline std::string sizeText(int64_t size) {
  return ShapedType::isDynamic(size) ? "?" : std::to_string(size);
}

/// Whether two sizes can be equal at run time.
inline bool compatible(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a == b;
}

inline RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Checks that `value` has the given rank.
inline LogicalResult checkRank(Operation *op, StringRef label, StringRef name,
                               Value value, int64_t rank) {
  int64_t have = tensorType(value).getRank();
  if (have == rank)
    return success();
  return broken(op, label, "'{0}' has rank {1}, not {2}", name, have, rank);
}

/// Checks that `a` and `b` can have equal first dimensions.
inline LogicalResult checkSameRows(Operation *op, StringRef label, Value a,
                                   StringRef aName, Value b, StringRef bName) {
  int64_t aRows = tensorType(a).getDimSize(0);
  int64_t bRows = tensorType(b).getDimSize(0);
  if (compatible(aRows, bRows))
    return success();
  return broken(op, label, "'{0}' has a first dimension of {1}, '{2}' of {3}",
                aName, aRows, bName, bRows);
}

} // namespace mlir::moe

#endif // MOEC_LIB_DIALECT_MOE_IR_VERIFY_H

//===- MoeDialect.cpp - The moe dialect -----------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration of the dialect, and its attributes.
//
//===----------------------------------------------------------------------===//

#include "moec/Dialect/Moe/Moe.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::moe;

#include "moec/Dialect/Moe/MoeDialect.cpp.inc"
#include "moec/Dialect/Moe/MoeEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "moec/Dialect/Moe/MoeAttrs.cpp.inc"

void MoeDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "moec/Dialect/Moe/MoeOps.cpp.inc"
      >();
}

void MoeDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "moec/Dialect/Moe/MoeAttrs.cpp.inc"
      >();
}

LogicalResult CpuTileAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t rows, int64_t cols, int64_t depth,
                                  int64_t lanes, int64_t unroll) {
  if (rows < 1 || depth < 1 || lanes < 1 || unroll < 1 || cols < lanes ||
      cols % lanes != 0)
    return emitError() << "#moe.cpu_tile C1: a tile of " << rows << " x "
                       << cols << " cannot be made of vectors of " << lanes
                       << " lanes";
  return success();
}

LogicalResult CpuRangeAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t from, int64_t chunk, bool /*ahead*/,
                                   bool /*decode*/) {
  if (from < 1 || chunk < 0)
    return emitError() << "#moe.cpu_range C1: a range from " << from
                       << " rows on with chunks of " << chunk << " steps";
  return success();
}

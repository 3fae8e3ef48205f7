//===- DeviceMath.h - Activations by the special function unit --*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_DEVICEMATH_H
#define MOEC_LIB_CODEGEN_NVPTX_DEVICEMATH_H

#include "moec/Dialect/Moe/Moe.h"

#include "mlir/IR/PatternMatch.h"

namespace moec::nvptx {

/// Rewrites exp, sigmoid and silu of f32 numbers to approximations of the
/// hardware, within reference::approximationUlps for each step.
void populateDeviceMathPatterns(mlir::RewritePatternSet &patterns);

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_DEVICEMATH_H

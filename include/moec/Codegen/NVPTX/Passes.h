//===- Passes.h - Passes of the NVPTX back end ------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constructors and registration of the passes in
// dialects/moe/MoeNvptxPasses.td.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_CODEGEN_NVPTX_PASSES_H
#define MOEC_CODEGEN_NVPTX_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::moe {
#define GEN_PASS_DECL
#include "moec/Dialect/Moe/MoeNvptxPasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "moec/Dialect/Moe/MoeNvptxPasses.h.inc"
} // namespace mlir::moe

#endif // MOEC_CODEGEN_NVPTX_PASSES_H

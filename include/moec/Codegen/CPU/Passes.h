//===- Passes.h - Passes of the CPU back end --------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constructors and registration of the passes in dialects/moe/MoeCpuPasses.td.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_CODEGEN_CPU_PASSES_H
#define MOEC_CODEGEN_CPU_PASSES_H

#include "moec/Codegen/CPU/CpuTargetOption.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::moe {
#define GEN_PASS_DECL
#include "moec/Dialect/Moe/MoeCpuPasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "moec/Dialect/Moe/MoeCpuPasses.h.inc"
} // namespace mlir::moe

#endif // MOEC_CODEGEN_CPU_PASSES_H

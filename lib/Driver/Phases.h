//===- Phases.h - A module's way through the phases -------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Behind --emit and --dump-phases.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_PHASES_H
#define MOEC_LIB_DRIVER_PHASES_H

#include "moec/Pipelines/Pipelines.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace moec::driver {

/// Writes the module as it is in every phase up to `last` to files in
/// `directory`, which is made if it is missing: "0-moe.mlir",
/// "1-scheduled.mlir" and so on. Leaves `module` alone.
llvm::Error dumpPhases(mlir::ModuleOp module, Phase last,
                       const CompileTarget &target, bool fuse,
                       llvm::StringRef directory);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_PHASES_H

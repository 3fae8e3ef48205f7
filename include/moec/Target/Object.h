//===- Object.h - Machine code and shared libraries -------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In process, no compiler is started: MLIR's LLVM dialect to LLVM IR, to an
// object, to a shared library.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_TARGET_OBJECT_H
#define MOEC_TARGET_OBJECT_H

#include "moec/Codegen/CPU/CpuTarget.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace moec {

/// Compiles a module in the LLVM dialect. `assembly` asks for text instead of
/// an object.
llvm::Expected<llvm::SmallVector<char, 0>> emitObject(mlir::ModuleOp module,
                                                      const CpuTarget &target,
                                                      bool assembly = false);

/// Links the object into a shared library, the bytes of which are returned.
llvm::Expected<llvm::SmallVector<char, 0>>
linkSharedLibrary(llvm::ArrayRef<char> object);

} // namespace moec

#endif // MOEC_TARGET_OBJECT_H

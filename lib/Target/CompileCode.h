//===- CompileCode.h - The code of a bundle ---------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a back end puts into a bundle, one function for each.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_TARGET_COMPILECODE_H
#define MOEC_LIB_TARGET_COMPILECODE_H

#include "moec/Pipelines/Pipelines.h"
#include "moec/Runtime/Manifest.h"
#include "moec/Support/OutputDir.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringMap.h"

namespace moec {

struct CompiledCode {
  /// By name: a kernel's number in the manifest, and how it wants its weights
  /// packed.
  llvm::StringMap<std::pair<int64_t, mlir::ArrayAttr>> kernels;
  uint64_t bytes = 0;
  /// What the user should know: a form of the code that is left out, and why.
  std::vector<std::string> notes;
};

/// Writes a file of the bundle and describes it.
llvm::Expected<ManifestFile> writeCode(const OutputDir &directory,
                                       llvm::StringRef name,
                                       llvm::StringRef bytes);

/// Compiles `module` (phase Scheduled), writes the code into `directory` and
/// describes target, files and kernels in `manifest`. `name` is what files of a
/// GPU's code are called, with the ending of each; `reproducer` is as in
/// lowerModule.
llvm::Expected<CompiledCode> compileCpu(mlir::ModuleOp module,
                                        const CpuTarget &target,
                                        llvm::StringRef reproducer,
                                        const OutputDir &directory,
                                        Manifest &manifest);
llvm::Expected<CompiledCode>
compileNvptx(mlir::ModuleOp module, const NvptxTarget &target,
             llvm::StringRef name, llvm::StringRef reproducer,
             const OutputDir &directory, Manifest &manifest);

/// Adds `code`, of the same module for one more chip, to the bundle: each
/// kernel's packed weights become those that any chip wants.
llvm::Error addVariant(Manifest &manifest, CompiledCode &compiled,
                       Manifest variant, const CompiledCode &code);

} // namespace moec

#endif // MOEC_LIB_TARGET_COMPILECODE_H

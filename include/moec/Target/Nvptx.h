//===- Nvptx.h - Code for NVIDIA GPUs ---------------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MLIR's LLVM dialect to optimized LLVM IR, to PTX, in process; PTX to a cubin
// by ptxas, where there is one.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_TARGET_NVPTX_H
#define MOEC_TARGET_NVPTX_H

#include "moec/Codegen/NVPTX/NvptxTarget.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <optional>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace moec {

/// The target of a chip's name, "sm_80". Fails on a chip the back end has no
/// kernels for, listing those it has.
llvm::Expected<NvptxTarget> resolveChip(llvm::StringRef chip);

/// The targets of "sm_80,sm_90a", the newest chip first: of the code that a GPU
/// can run, that is the best.
llvm::Expected<std::vector<NvptxTarget>> resolveChips(llvm::StringRef chips);

/// Translates device functions in the LLVM dialect and optimizes them. The
/// result is what PTX is made of, and what the emulator runs.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateDeviceModule(mlir::ModuleOp module, const NvptxTarget &target,
                      llvm::LLVMContext &context);

/// The module's PTX.
llvm::Expected<std::string> emitPtx(llvm::Module &module,
                                    const NvptxTarget &target);

/// What ptxas said about a kernel.
struct KernelUse {
  std::string kernel;
  int64_t registers = 0, stackBytes = 0, spillBytes = 0;
};

struct Cubin {
  std::string bytes;
  std::vector<KernelUse> kernels;
};

/// Where ptxas is: in $CUDA_HOME/bin, on $PATH or in /usr/local/cuda/bin;
/// nothing if it is in none.
std::optional<std::string> findPtxas();

/// Code for one chip.
struct ChipImage {
  std::string chip;
  bool isPtx = false;
  std::string bytes;
};

/// Likewise, the program that makes fat binaries.
std::optional<std::string> findFatbinary();

/// NVIDIA's container of code for several chips, of which the driver takes what
/// suits. Errors are as of assemble().
llvm::Expected<std::string> makeFatbin(llvm::StringRef fatbinary,
                                       llvm::ArrayRef<ChipImage> images);

/// Runs `ptxas` on `ptx`. Its complaints are the error's text, with the command
/// that reproduces them.
llvm::Expected<Cubin> assemble(llvm::StringRef ptxas, llvm::StringRef ptx,
                               const NvptxTarget &target);

} // namespace moec

#endif // MOEC_TARGET_NVPTX_H

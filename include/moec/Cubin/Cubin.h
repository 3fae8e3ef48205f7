//===- Cubin.h - Kernels in machine code ------------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads what ptxas writes: an ELF file with a section of code for each kernel,
// and its needs in ".nv.info". Nothing of a file is believed before it was
// checked.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_CUBIN_CUBIN_H
#define MOEC_CUBIN_CUBIN_H

#include "moec/Cubin/Instruction.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <vector>

namespace moec::cubin {

struct Kernel {
  std::string name;
  /// Of a thread.
  int64_t registers = 0, stackBytes = 0;
  /// Shared memory of a block that the code declares, in bytes; what a launch
  /// adds is not known here.
  int64_t sharedBytes = 0;
  std::vector<Instruction> code;
};

struct Cubin {
  /// 80 is sm_80.
  unsigned architecture = 0;
  std::vector<Kernel> kernels;
};

/// Reads the file's `bytes`; `file` names it in messages. Fails on what is no
/// 64-bit ELF file for a GPU from sm_70 on.
llvm::Expected<Cubin> readCubin(llvm::StringRef bytes, llvm::StringRef file);

/// A loop: the code from its first instruction to the branch back, which
/// `code` holds.
struct Loop {
  size_t begin = 0;
  llvm::ArrayRef<Instruction> code;
};

/// The innermost loops of a kernel that do work, in the order of the code. A
/// loop that waits for a barrier and does nothing else is none.
std::vector<Loop> innermostLoops(llvm::ArrayRef<Instruction> code);

/// What is left of loops that were unrolled whole: code that meets none of the
/// kernel's `loops`, from the first copy or fragment behind a barrier of the
/// block to the last product on the tensor cores before the next such.
std::vector<Loop> unrolledLoops(llvm::ArrayRef<Instruction> code,
                                llvm::ArrayRef<Loop> loops);

} // namespace moec::cubin

#endif // MOEC_CUBIN_CUBIN_H

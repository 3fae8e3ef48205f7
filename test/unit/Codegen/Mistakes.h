//===- Mistakes.h - Changes to a kernel's code ------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is done to calls of a kernel in LLVM IR to make a mistake of the kind
// that is made when such a kernel is written. Without any call a test fails.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_TEST_UNIT_CODEGEN_MISTAKES_H
#define MOEC_TEST_UNIT_CODEGEN_MISTAKES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

namespace llvm {
class CallInst;
class Instruction;
class Value;
} // namespace llvm

namespace moec {

using Calls = llvm::SmallVector<llvm::CallInst *>;

void drop(const Calls &calls);
/// Adds `n` to an operand: a number, or bytes to an address.
void add(const Calls &calls, unsigned operand, int64_t n);
/// Another phase's parity.
void invertParity(const Calls &calls);
void replacePtx(const Calls &calls, llvm::StringRef from, llvm::StringRef to);
/// Calls another intrinsic with the same operands.
void rename(const Calls &calls, llvm::StringRef from, llvm::StringRef to);
void dropSwizzle(llvm::Value *address);
/// Does unconditionally what a branch decides about.
void always(llvm::ArrayRef<llvm::Instruction *> instructions);

} // namespace moec

#endif // MOEC_TEST_UNIT_CODEGEN_MISTAKES_H

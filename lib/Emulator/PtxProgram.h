//===- PtxProgram.h - Inline PTX, ready to run ------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is left of inline assembly after reading it. Registers hold 64 bits:
// first the operands $0, $1, ..., then those declared inside. Every flattened
// operand of an instruction is a register, a constant, or nothing ("_").
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_EMULATOR_PTXPROGRAM_H
#define MOEC_LIB_EMULATOR_PTXPROGRAM_H

#include "Site.h"

#include "llvm/ADT/SmallVector.h"

namespace moec::emulator {

/// The most registers of one piece of assembly: wgmma's 128 accumulators, in
/// and out, and some.
constexpr unsigned maxRegisters = 320;

struct PtxOperand {
  enum Kind { Register, Constant, Special, Sink } kind = Sink;
  unsigned index = 0;
  /// The constant, or what is added to the register.
  uint64_t value = 0;
};

struct PtxInstruction {
  PtxOperation operation;
  /// The elements of all operands, and how many each operand has.
  std::vector<PtxOperand> operands;
  llvm::SmallVector<unsigned, 8> counts;

  unsigned firstCount() const { return counts.empty() ? 0 : counts.front(); }

  /// Runs only if this register is (not) 0.
  int predicate = -1;
  bool negated = false;
  /// Of a branch: the label, then the place it stands for.
  std::string label;
  size_t target = 0;
};

struct PtxProgram {
  std::vector<PtxInstruction> instructions;
  /// Register numbers of results and of arguments, in the order of slots; an
  /// argument tied to a result sets both.
  std::vector<unsigned> results;
  std::vector<std::pair<unsigned, int>> arguments;
  unsigned numRegisters = 0;
};

/// Runs the program on the slots of the call.
Operation makeOperation(PtxProgram program);

} // namespace moec::emulator

#endif // MOEC_LIB_EMULATOR_PTXPROGRAM_H

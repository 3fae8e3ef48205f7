//===- Isa.h - What an instruction set calls things -------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All that differs between architectures in what is emitted: the few
// instructions that no dialect expresses, under LLVM's names.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_CPU_ISA_H
#define MOEC_LIB_CODEGEN_CPU_ISA_H

#include "moec/Codegen/CPU/CpuTarget.h"

#include "llvm/ADT/StringRef.h"

namespace moec::cpu {

/// Intrinsics on vectors of one size.
struct Instructions {
  Architecture architecture;
  int64_t bits;
  /// (f32 sums, pairs of bf16, pairs of bf16).
  llvm::StringLiteral bf16Dot;
  /// (i32 sums, fours of weights, fours of signed numbers), all int8. Weights
  /// are unsigned, or with `signedWeights` signed.
  llvm::StringLiteral int8Dot;
  bool signedWeights;
  /// The sums of the products of neighbours: as i16 of unsigned and signed
  /// bytes, as i32 of words (i16). May be empty.
  llvm::StringLiteral sumsOfBytes, sumsOfWords;
  /// (bytes, which): for each byte, that of the same 16 bytes which it says.
  llvm::StringLiteral lookUp;
  /// (words, which): for each word, that of the whole vector which it says. May
  /// be empty.
  llvm::StringLiteral lookUpWords;
};

struct Isa {
  Architecture architecture = Architecture::X86_64;
  /// f32 numbers in a vector.
  int64_t lanes = 16;
  /// The target has `Instructions::int8Dot`.
  bool int8Dot = false;

  /// Those on vectors of `bits` bits; null if there are none.
  const Instructions *instructions(int64_t bits) const;
};

} // namespace moec::cpu

#endif // MOEC_LIB_CODEGEN_CPU_ISA_H

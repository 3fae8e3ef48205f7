//===- CpuTarget.h - What the CPU back end knows of a CPU -------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The few facts about a CPU that decide how code for it is shaped. Everything
// else is LLVM's business.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_CODEGEN_CPU_CPUTARGET_H
#define MOEC_CODEGEN_CPU_CPUTARGET_H

#include <cstdint>
#include <string>

namespace moec {

/// Those whose instructions the back end knows.
enum class Architecture { X86_64, AArch64 };

struct CpuTarget {
  /// What --mcpu calls it: "znver4", "generic+dotprod+bf16".
  std::string name;
  /// LLVM's names: "x86_64-unknown-linux-gnu", "znver4", "+avx512f,+fma,...".
  std::string triple, cpu, features;
  Architecture architecture = Architecture::X86_64;
  /// f32 numbers in a vector register.
  int64_t lanes = 16;
  /// Vector registers.
  int64_t registers = 32;
  /// Has a dot product of bf16 pairs into f32 (vdpbf16ps, bfdot) on whole
  /// vectors.
  bool bf16Dot = false;
  /// Has a dot product of four int8 numbers into i32 (vpdpbusd, sdot) on whole
  /// vectors.
  bool int8Dot = false;

  // What the cost model knows, each for one core that works while the others
  // do. Cycles are those of the core.

  /// Bytes of the second cache.
  int64_t l2Bytes = 512 * 1024;
  /// Whole vectors multiplied and added in a cycle, and the cycles until the
  /// result can be added to.
  double multipliesPerCycle = 2, multiplyLatency = 4;
  /// Bytes in a cycle: read from memory in one stream, fetched from memory by
  /// instructions, and read from the third cache.
  double readRate = 4, fetchRate = 3, l3Rate = 8;
  /// Cycles until a number in memory arrives, and instructions that may be
  /// under way meanwhile.
  double memoryLatency = 280;
  int64_t reorderWindow = 224;
};

} // namespace moec

#endif // MOEC_CODEGEN_CPU_CPUTARGET_H

//===- Instruction.h - Machine instructions of NVIDIA GPUs ------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chips from sm_70 on have instructions of 128 bits: bits 0 to 8 say what is
// done, bits 9 to 11 where operands come from, and bits 105 to 125 are the
// assembler's schedule. NVIDIA does not document this; the encodings were read
// off what ptxas makes of known PTX, and agree with nvdisasm.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_CUBIN_INSTRUCTION_H
#define MOEC_CUBIN_INSTRUCTION_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>

namespace moec::cubin {

/// What an instruction works for.
enum class OpClass {
  Tensor,      ///< products on the tensor cores
  Fragment,    ///< ldmatrix, stmatrix, movmatrix
  Copy,        ///< global memory to shared memory without registers, and back
  GlobalLoad,  ///< loads from global memory, or from an unknown space
  GlobalStore, ///< stores, reductions and atomics there
  SharedLoad,
  SharedStore,
  Local,   ///< a thread's own memory: spilled registers
  Sync,    ///< barriers, fences, waits
  Control, ///< branches, padding
  Warp,    ///< exchange between lanes, also to the uniform registers
  Convert,
  Float,
  Uniform, ///< once for a warp
  Integer,
  Unknown
};
inline constexpr unsigned numOpClasses = unsigned(OpClass::Unknown) + 1;

/// "tensor", "shared_load".
llvm::StringRef className(OpClass kind);

struct Instruction {
  /// Bits 0 to 8.
  uint16_t operation = 0;
  OpClass kind = OpClass::Unknown;
  /// Cycles until the next one of the warp may be issued.
  uint8_t stall = 0;
  /// Multiply-adds of a tensor instruction, of a warp or of a whole warpgroup;
  /// 0 if its shape is not known.
  uint32_t multiplyAdds = 0;
  /// Of the numbers that it multiplies; tf32 counts as 32.
  uint8_t bits = 16;
  bool ofWarpgroup = false;
  /// The threads of a block wait for each other here.
  bool isBarrier = false;
  /// Of a branch: the distance to its target from the next instruction, in
  /// instructions.
  std::optional<int64_t> branch = std::nullopt;
  /// The next instruction is never reached from here.
  bool ends = false;

  /// The assembler's name of the operation, "HMMA"; "0x1f7" if not known.
  std::string name() const;
};

/// Bytes of an instruction.
inline constexpr uint64_t instructionBytes = 16;

/// The instruction in the words `low` and `high`, for chips of `architecture`
/// (80 is sm_80).
Instruction decode(uint64_t low, uint64_t high, unsigned architecture);

} // namespace moec::cubin

#endif // MOEC_CUBIN_INSTRUCTION_H

//===- LaunchReport.h - What an emulated launch found -----------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The result of a launch: what the kernel did wrong, each with the place, and
// what it cost in the events that decide a kernel's speed on the hardware.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_EMULATOR_LAUNCHREPORT_H
#define MOEC_EMULATOR_LAUNCHREPORT_H

#include "llvm/ADT/StringRef.h"

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace moec::emulator {

/// What is wrong. docs/emulator.md explains each with an example.
enum class FindingKind {
  Race,              ///< shared memory, no order between two accesses
  Deadlock,          ///< nothing can run any more
  NoProgress,        ///< threads run, but only in circles
  Divergence,        ///< lanes missing from a collective operation
  OutOfBounds,       ///< an access outside of shared memory or any buffer
  Misaligned,        ///< an address the instruction does not take
  Uninitialized,     ///< shared memory read before it was written
  MissingProxyFence, ///< async proxy reads generic writes without a fence
  InFlightWrite,     ///< bytes used before their asynchronous copy landed
  InFlightRead,      ///< bytes overwritten that an operation still reads
  GlobalOverlap,     ///< two blocks store to one global address
  LaunchOrder,       ///< global memory used without waiting for a launch before
  Barrier,           ///< a barrier or mbarrier used against its rules
  Operand,           ///< an operand the instruction does not take
  DivisionByZero,    ///< of integers
  Trap,              ///< trap, or a point marked unreachable
};

/// "race", "deadlock", "out-of-bounds", ...
llvm::StringRef findingName(FindingKind kind);

/// One thing that is wrong, at its first occurrence.
struct Finding {
  FindingKind kind;
  std::string kernel;
  /// blockIdx and threadIdx of the thread that ran into it.
  std::array<uint32_t, 3> block, thread;
  /// The operation or the LLVM instruction.
  std::string instruction;
  /// FILE:LINE:COLUMN, if the module has debug locations, else the function.
  std::string location;
  /// A sentence.
  std::string message;
  /// How often it happened.
  uint64_t count = 1;
};

/// Events of all blocks of a launch. Counts of warp instructions, unless said.
struct Counters {
  /// 32-bank shared memory passes, and how few would have done.
  uint64_t sharedWavefronts = 0, sharedWavefrontsIdeal = 0;
  /// 32-byte sectors that loads, stores and copies of global memory touched,
  /// and the fewest that their bytes fit in.
  uint64_t globalSectors = 0, globalSectorsIdeal = 0;
  uint64_t globalBytesRead = 0, globalBytesWritten = 0;
  uint64_t mma = 0, wgmma = 0, ldmatrix = 0, stmatrix = 0, tma = 0;
  /// Per thread.
  uint64_t cpAsync = 0, atomics = 0;
  /// Multiply-adds of the tensor instructions, times two.
  uint64_t tensorFlops = 0;
  /// Threads that waited at a CTA barrier, at an mbarrier.
  uint64_t barrierWaits = 0, mbarrierWaits = 0;
  /// Switches from one emulated thread to another.
  uint64_t threadSwitches = 0;
};

struct LaunchReport {
  std::string kernel;
  std::vector<Finding> findings;
  Counters counters;
  /// Seconds of wall time.
  double seconds = 0;
  /// More findings than were kept.
  uint64_t dropped = 0;

  bool clean() const { return findings.empty(); }
  bool has(FindingKind kind) const;
  /// Some lines for people: the findings, then the counters that are not zero.
  std::string text() const;
  nlohmann::json json() const;
};

} // namespace moec::emulator

#endif // MOEC_EMULATOR_LAUNCHREPORT_H

//===- AccessGroups.h - What the lanes of a warp touch together -*- C++
//-*--===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The hardware serves a memory instruction for all lanes of a warp at once.
// Here lanes run one after the other, so the n-th execution of an instruction
// by each of them is taken as one instruction of the warp.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_EMULATOR_ACCESSGROUPS_H
#define MOEC_LIB_EMULATOR_ACCESSGROUPS_H

#include "moec/Emulator/LaunchReport.h"
#include "llvm/ADT/SmallVector.h"

#include <array>
#include <cstdint>
#include <deque>
#include <unordered_map>

namespace moec::emulator {

/// The accesses of one instruction of a warp.
class AccessGroup {
public:
  void add(uint64_t address, uint32_t bytes) {
    accesses.push_back({address, bytes});
  }
  unsigned size() const { return accesses.size(); }

  /// Adds to sharedWavefronts: the most words that lie in one of 32 banks.
  void countShared(Counters &counters) const;
  /// Adds to globalSectors.
  void countGlobal(Counters &counters) const;

private:
  llvm::SmallVector<std::pair<uint64_t, uint32_t>, 32> accesses;
};

/// The groups of a warp that not all of its lanes have come to yet.
class AccessGroups {
public:
  /// Lane `lane` of `lanes` does the memory instruction `site`.
  void add(uint32_t site, unsigned lane, unsigned lanes, bool shared,
           uint64_t address, uint32_t bytes, Counters &counters);
  /// The rest: lanes that were not in.
  void flush(Counters &counters);

private:
  struct Instruction {
    bool shared = false;
    /// Executions by each lane, and how many of them are counted.
    std::array<uint32_t, 32> executions = {};
    uint32_t counted = 0;
    std::deque<AccessGroup> open;
  };
  std::unordered_map<uint32_t, Instruction> instructions;
};

} // namespace moec::emulator

#endif // MOEC_LIB_EMULATOR_ACCESSGROUPS_H

//===- AccessGroups.cpp - What the lanes of a warp touch together ---------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Banks and sectors.
//
//===----------------------------------------------------------------------===//

#include "AccessGroups.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace moec::emulator {

/// The aligned units of `unit` bytes that a group touches, each once.
static SmallVector<uint64_t, 128>
touchedUnits(ArrayRef<std::pair<uint64_t, uint32_t>> accesses, uint64_t unit) {
  SmallVector<uint64_t, 128> units;
  for (auto [address, bytes] : accesses)
    for (uint64_t at = address / unit; at * unit < address + bytes; ++at)
      units.push_back(at);
  std::sort(units.begin(), units.end());
  units.erase(llvm::unique(units), units.end());
  return units;
}

void AccessGroup::countShared(Counters &counters) const {
  constexpr unsigned banks = 32, bankBytes = 4;
  std::array<unsigned, banks> words = {};
  SmallVector<uint64_t, 128> touched = touchedUnits(accesses, bankBytes);
  for (uint64_t word : touched)
    ++words[word % banks];
  counters.sharedWavefronts += *llvm::max_element(words);
  counters.sharedWavefrontsIdeal += (touched.size() + banks - 1) / banks;
}

void AccessGroup::countGlobal(Counters &counters) const {
  constexpr unsigned sector = 32;
  counters.globalSectors += touchedUnits(accesses, sector).size();
  // Bytes in use; lanes that read the same ones share them.
  unsigned widest = 1;
  for (auto [address, bytes] : accesses)
    widest = std::max(widest, bytes);
  uint64_t used = touchedUnits(accesses, widest).size() * widest;
  counters.globalSectorsIdeal += (used + sector - 1) / sector;
}

static void count(const AccessGroup &group, bool shared, Counters &counters) {
  if (shared)
    group.countShared(counters);
  else
    group.countGlobal(counters);
}

void AccessGroups::add(uint32_t site, unsigned lane, unsigned lanes,
                       bool shared, uint64_t address, uint32_t bytes,
                       Counters &counters) {
  Instruction &instruction = instructions[site];
  instruction.shared = shared;
  uint32_t place = instruction.executions[lane]++ - instruction.counted;
  if (place >= instruction.open.size())
    instruction.open.resize(place + 1);
  instruction.open[place].add(address, bytes);
  while (!instruction.open.empty() &&
         instruction.open.front().size() >= lanes) {
    count(instruction.open.front(), shared, counters);
    instruction.open.pop_front();
    ++instruction.counted;
  }
}

void AccessGroups::flush(Counters &counters) {
  for (auto &[site, instruction] : instructions)
    for (const AccessGroup &group : instruction.open)
      if (group.size())
        count(group, instruction.shared, counters);
  instructions.clear();
}

} // namespace moec::emulator

//===- GpuChip.cpp - What a GPU offers to a kernel ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Performance/GpuChip.h"
#include "moec/Support/Error.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace moec::perf {

static constexpr int64_t KiB = 1024, MiB = 1024 * KiB;
static constexpr GpuChip a100 = {"A100", 108, 40 * MiB, 65536, 164 * KiB,
                                 64,     32,  1024,     64,    312};
static constexpr GpuChip h100 = {"H100", 132, 50 * MiB, 65536, 228 * KiB,
                                 64,     32,  2048,     128,   283};
static constexpr GpuChip b200 = {"B200", 148, 126 * MiB, 65536, 228 * KiB,
                                 64,     32,  4096,      128,   140};
static constexpr std::pair<StringLiteral, GpuChip> chips[] = {
    {"sm_80", a100},
    {"sm_90", h100},
    {"sm_90a", h100},
    {"sm_100", b200},
    {"sm_100a", b200}};

Expected<GpuChip> gpuChip(StringRef name) {
  std::string known;
  for (const auto &[chip, limits] : chips) {
    if (chip == name)
      return limits;
    known += (known.empty() ? "" : ", ") + chip.str();
  }
  return inputError("the limits of {} are not known; they are of {}",
                    quote(name), known);
}

Occupancy occupancy(const GpuChip &chip, const BlockNeeds &needs) {
  constexpr int64_t lanes = 32, registerUnit = 256, sharedUnit = 128,
                    sharedOfSystem = 1024;
  int64_t warps = divideCeil(needs.threads, lanes);
  int64_t warpRegisters =
      int64_t(alignTo(std::max<int64_t>(needs.registers, 1) * lanes, //
                      registerUnit));
  // Registers belong to the schedulers, each of which has its share.
  int64_t warpsByRegisters =
      chip.registers / gpuSchedulers / warpRegisters * gpuSchedulers;
  int64_t shared =
      int64_t(alignTo(needs.sharedBytes + sharedOfSystem, sharedUnit));
  const Occupancy limits[] = {{warpsByRegisters / warps, "registers"},
                              {chip.sharedBytes / shared, "shared memory"},
                              {chip.warps / warps, "warps"},
                              {chip.blocks, "blocks"}};
  return *min_element(limits, [](const Occupancy &a, const Occupancy &b) {
    return a.blocks < b.blocks;
  });
}

} // namespace moec::perf

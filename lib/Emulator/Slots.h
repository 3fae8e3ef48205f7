//===- Slots.h - Values in slots -------------------------------*- C++ -*--===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading and writing the 64-bit slots that operations work on.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_EMULATOR_SLOTS_H
#define MOEC_LIB_EMULATOR_SLOTS_H

#include "Site.h"
#include "moec/Support/Error.h"
#include "moec/Support/Float.h"

#include <bit>

namespace moec::emulator {

inline float floatOf(uint64_t slot) {
  return std::bit_cast<float>(uint32_t(slot));
}
inline uint64_t toSlot(float value) { return std::bit_cast<uint32_t>(value); }

} // namespace moec::emulator

#endif // MOEC_LIB_EMULATOR_SLOTS_H

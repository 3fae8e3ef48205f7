//===- Fragments.cpp - Codes as a tensor core's lanes want them -----------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Fragments.h"
#include "moec/Support/Float.h"

#include "llvm/Support/Endian.h"

#include <bit>

using namespace llvm;
using support::endian::write16le;
using support::endian::write32le;

namespace moec {

/// `bits` of each of the codes of pair `j`, put where `place` says.
template <typename Place>
static uint32_t placePair(ArrayRef<uint8_t> codes, size_t j, Place place) {
  return place(uint32_t(codes[2 * j])) | place(uint32_t(codes[2 * j + 1]))
                                             << 16;
}

/// The bits of `word` that no other pair has, which pair 3 is made of: where
/// fp4Mix puts them (with another one that is decided before), and where they
/// are.
static constexpr std::pair<int, int> mixedBits[] = {
    {31, 29}, {23, 21}, {15, 13}, {7, 5}, {24, 30}, {22, 20}, {8, 14}, {6, 4}};

static uint32_t packFp4(ArrayRef<uint8_t> codes) {
  auto pair = [&](size_t j) {
    return placePair(codes, j, [](uint32_t code) {
      return (code & 8) << 12 | (code & 7) << 6;
    });
  };
  uint32_t word =
      pair(0) | pair(1) >> kFp4Shift | std::rotr(pair(2), kFp4Rotation);
  for (auto [to, from] : mixedBits)
    word ^= ((fp4Mix(word) ^ pair(3)) >> to & 1) << from;
  return word;
}

void packFragment(BlockFormat format, ArrayRef<uint8_t> codes, uint8_t *words) {
  if (format.code == CodeType::E2M1)
    return write32le(words, packFp4(codes));
  auto pairAt = [&](size_t j, int bit) {
    return placePair(codes, j, [&](uint32_t code) { return code << bit; });
  };
  if (format.codeBits() == 4) {
    uint32_t nibbles = 0;
    for (int j = 0; j < 4; ++j)
      nibbles |= pairAt(j, 4 * j);
    return write32le(words, std::rotl(nibbles, kInt4Bit));
  }
  write32le(words, pairAt(0, 0) | pairAt(1, 8));
  write32le(words + 4, pairAt(2, 0) | pairAt(3, 8));
}

bool storeFragmentScale(ScaleType type, Scale scale, uint8_t *bytes) {
  storeScale(type, scale, bytes);
  if (type == ScaleType::BF16Zero)
    write16le(bytes, floatToBf16(-16.f - scale.zero));
  if (type == ScaleType::E8M0 && *bytes != 0xff) {
    if (*bytes + kFp4ScaleBias >= 0xff)
      return false;
    *bytes += kFp4ScaleBias;
  }
  return true;
}

} // namespace moec

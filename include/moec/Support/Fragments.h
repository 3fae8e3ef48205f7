//===- Fragments.h - Codes as a tensor core's lanes want them ---*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the bits of 8 codes of a row lie in panels in the order `fragments`
// (#moe.panels): so that the fewest instructions make pairs of 16-bit numbers
// of them. Codes 2 j and 2 j + 1 are pair j, one in each half of a word.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_SUPPORT_FRAGMENTS_H
#define MOEC_SUPPORT_FRAGMENTS_H

#include "moec/Support/Quantize.h"

namespace moec {

/// The bits that a pair of fp4 numbers has in a pair of bf16 numbers: the sign,
/// two of the exponent, one of the mantissa.
inline constexpr uint32_t kFp4PairBits = 0x81c081c0;
/// Pair 0 of fp4 numbers is in a word as it is, pair 1 after a shift to the
/// left, pair 2 after a rotation to the left. No bits are left that lie like
/// those of pair 3: it is the difference (xor) of two shifts of the word, which
/// fp4Mix computes.
inline constexpr int kFp4Shift = 6, kFp4Rotation = 12, kFp4MixLeft = 2,
                     kFp4MixRight = 6;
constexpr uint32_t fp4Mix(uint32_t word) {
  return word << kFp4MixLeft ^ word >> kFp4MixRight;
}

/// Pair j of integers of four bits is in bits 3 to 6 of both halves after a
/// rotation of the word by 4 j to the right: there they count ones in the bf16
/// number 16.
inline constexpr int kInt4Bit = 3;

/// A scale E8M0 is stored higher by this: the exponent of a bf16 number that
/// multiplies `kFp4PairBits` to the number times its scale times 2^-32.
inline constexpr int kFp4ScaleBias = 94, kFp4SumExponent = 32;

/// 8 codes of `format`, stored as unsigned numbers, as words: two of codes of
/// eight bits, whose pairs 0 and 1, and 2 and 3, are one's lower and upper
/// bytes; else one.
void packFragment(BlockFormat format, llvm::ArrayRef<uint8_t> codes,
                  uint8_t *words);

/// Writes a scale for panels in the order `fragments`. False where a power of
/// two is too large to be stored.
[[nodiscard]] bool storeFragmentScale(ScaleType type, Scale scale,
                                      uint8_t *bytes);

} // namespace moec

#endif // MOEC_SUPPORT_FRAGMENTS_H

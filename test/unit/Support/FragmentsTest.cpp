//===- FragmentsTest.cpp - Codes as a tensor core's lanes want them -------===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Fragments.h"
#include "gtest/gtest.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>

using namespace moec;

namespace {

using Codes = std::array<uint8_t, 8>;

Codes randomCodes(std::mt19937 &random, int bits) {
  Codes codes;
  for (uint8_t &code : codes)
    code = random() & ((1 << bits) - 1);
  return codes;
}

std::array<uint32_t, 2> pack(CodeType type, const Codes &codes) {
  std::array<uint8_t, 8> bytes = {};
  packFragment({type, ScaleType::F32}, codes, bytes.data());
  std::array<uint32_t, 2> words;
  std::memcpy(words.data(), bytes.data(), sizeof words);
  return words;
}

TEST(Fragments, Fp4PairsAreSignAndMagnitudeOfBf16) {
  std::mt19937 random(1);
  for (int run = 0; run < 1000; ++run) {
    Codes codes = randomCodes(random, 4);
    auto [word, none] = pack(CodeType::E2M1, codes);
    EXPECT_EQ(none, 0u);
    uint32_t pairs[] = {word, word << kFp4Shift, std::rotl(word, kFp4Rotation),
                        fp4Mix(word)};
    for (int j = 0; j < 4; ++j)
      for (int half = 0; half < 2; ++half) {
        uint32_t bits = (pairs[j] & kFp4PairBits) >> 16 * half & 0xffff;
        EXPECT_EQ(bits >> 12 | (bits >> 6 & 7), codes[2 * j + half]);
      }
  }
}

TEST(Fragments, IntegersOfFourBitsRotateToTheirPlace) {
  std::mt19937 random(2);
  for (CodeType type : {CodeType::Int4, CodeType::UInt4}) {
    Codes codes = randomCodes(random, 4);
    auto [word, none] = pack(type, codes);
    for (int j = 0; j < 4; ++j)
      for (int half = 0; half < 2; ++half)
        EXPECT_EQ(std::rotr(word, 4 * j) >> (16 * half + kInt4Bit) & 15,
                  codes[2 * j + half]);
  }
}

TEST(Fragments, PairsOfBytesAreTwoBytesApart) {
  std::mt19937 random(3);
  for (CodeType type : {CodeType::Int8, CodeType::E4M3}) {
    Codes codes = randomCodes(random, 8);
    std::array<uint32_t, 2> words = pack(type, codes);
    for (int j = 0; j < 4; ++j)
      for (int half = 0; half < 2; ++half)
        EXPECT_EQ(words[j / 2] >> (16 * half + 8 * (j % 2)) & 0xff,
                  codes[2 * j + half]);
  }
}

TEST(Fragments, ScalesThatKernelsCannotHoldAreRefused) {
  uint8_t bytes[4] = {};
  EXPECT_TRUE(storeFragmentScale(ScaleType::E8M0, {0x1p33f}, bytes));
  EXPECT_EQ(bytes[0], 254);
  EXPECT_FALSE(storeFragmentScale(ScaleType::E8M0, {0x1p34f}, bytes));
  EXPECT_TRUE(storeFragmentScale(ScaleType::E8M0, {NAN}, bytes));
  EXPECT_EQ(bytes[0], 255);
  // bf16 of -16 - 5.
  EXPECT_TRUE(storeFragmentScale(ScaleType::BF16Zero, {1, 5}, bytes));
  EXPECT_EQ(bytes[0] | bytes[1] << 8, 0xc1a8);
  EXPECT_EQ(bytes[2] | bytes[3] << 8, 0x3f80);
}

} // namespace

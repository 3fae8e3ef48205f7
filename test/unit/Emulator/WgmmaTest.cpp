//===- WgmmaTest.cpp - Operands of wgmma ----------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where wgmma finds its operands and puts its results, by the formulas of the
// PTX manual, and what it computes of each type.
//
//===----------------------------------------------------------------------===//

#include "FragmentHarness.h"

using namespace moec;
using namespace moec::emulator;

namespace {

struct WgmmaCase {
  const char *name;
  /// Bytes of a swizzled row; 16: none.
  unsigned span;
  bool transB, fromRegisters;
};

class WgmmaTest : public testing::TestWithParam<WgmmaCase> {};

/// Address bits 4-6 xored with bits 7-9, as many as the swizzle has.
unsigned swizzle(unsigned offset, unsigned span) {
  return offset ^ ((offset >> 7 & (span / 16 - 1)) << 4);
}

constexpr unsigned offsetB = 8192, sbo = 1024;

/// Without a swizzle, the second core matrix along K; else not reached here.
unsigned lbo(unsigned span) { return span == 16 ? 128 : 2048; }

/// Where element (i, k) of bf16 lies: PTX ISA, "Canonical layouts".
unsigned place(unsigned i, unsigned k, unsigned span, bool transposed) {
  if (span == 16 && !transposed)
    return i / 8 * sbo + i % 8 * 16 + k / 8 * lbo(span) + k % 8 * 2;
  if (span == 16)
    return i / 8 * sbo + i % 8 * 2 + k % 8 * 16 + k / 8 * lbo(span);
  if (!transposed)
    return i / 8 * sbo + i % 8 * span + k * 2;
  unsigned perRow = span / 2;
  return i / perRow * lbo(span) + i % perRow * 2 + k % 8 * span + k / 8 * sbo;
}

uint64_t describe(unsigned start, unsigned span) {
  uint64_t mode = span == 128 ? 1 : span == 64 ? 2 : span == 32 ? 3 : 0;
  return start / 16 | uint64_t(lbo(span) / 16) << 16 |
         uint64_t(sbo / 16) << 32 | mode << 62;
}

/// D of m64n16: row = (warp % 4) * 16 + groupID, + 8 where (i & 2);
/// col = 8 * (i / 4) + threadID_in_group * 2 + (i & 1).
TEST_P(WgmmaTest, OperandsAndAccumulatorsAreThoseOfTheManual) {
  const WgmmaCase &test = GetParam();
  std::string a = test.fromRegisters ? "{$16, $17, $18, $19}" : "$16";
  unsigned b = test.fromRegisters ? 20 : 17;
  HarnessRun run(
      fmt::format("{{ .reg .pred p; setp.ne.b32 p, ${}, 0; "
                  "wgmma.fence.sync.aligned; "
                  "wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 "
                  "{{$0, $1, $2, $3, $4, $5, $6, $7}}, {}, ${}, p, 1, -1, {}; "
                  "wgmma.commit_group.sync.aligned; "
                  "wgmma.wait_group.sync.aligned 0; }}",
                  b + 1, a, b,
                  test.fromRegisters ? fmt::format("{}", int(test.transB))
                                     : fmt::format("0, {}", int(test.transB))),
      8, test.fromRegisters ? "rrrrrrrrrrrrlr" : "rrrrrrrrllr", 128);
  // Operands 8 to 15 only hold places, so that $16 is the first of A.
  auto put = [&](unsigned offset, float value) {
    uint16_t code = floatToBf16(value);
    run.image[offset] = uint8_t(code);
    run.image[offset + 1] = uint8_t(code >> 8);
  };
  for (unsigned k = 0; k < 16; ++k) {
    for (unsigned i = 0; i < 64; ++i)
      put(swizzle(place(i, k, test.span, false), test.span),
          float(small(i, k)));
    for (unsigned i = 0; i < 16; ++i)
      put(swizzle(offsetB + place(i, k, test.span, test.transB), test.span),
          float(small(i + 2, k)));
  }
  for (unsigned lane = 0; lane < 128; ++lane) {
    unsigned at = 8;
    if (test.fromRegisters) {
      for (unsigned i = 0; i < 8; ++i) {
        bool upper = i < 2 || (4 <= i && i < 6);
        unsigned row = lane / 32 * 16 + lane % 32 / 4 + (upper ? 0 : 8);
        unsigned col = lane % 4 * 2 + (i & 1) + (i >= 4 ? 8 : 0);
        run.input(lane, 8 + i / 2) |=
            uint64_t(floatToBf16(float(small(row, col)))) << (16 * (i % 2));
      }
      at += 4;
    } else {
      run.input(lane, at++) = describe(0, test.span);
    }
    run.input(lane, at++) = describe(offsetB, test.span);
    run.input(lane, at) = 0;
  }
  run.launch();
  for (unsigned lane = 0; lane < 128; ++lane)
    for (unsigned i = 0; i < 8; ++i) {
      unsigned row = lane / 32 * 16 + lane % 32 / 4 + (i & 2 ? 8 : 0);
      unsigned col = 8 * (i / 4) + lane % 4 * 2 + (i & 1);
      int sum = 0;
      for (unsigned k = 0; k < 16; ++k)
        sum += small(row, k) * small(col + 2, k);
      EXPECT_EQ(std::bit_cast<float>(run.output(lane, i)), float(-sum))
          << test.name << " row " << row << " column " << col;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Layouts, WgmmaTest,
    testing::Values(WgmmaCase{"128 bytes", 128, false, false},
                    WgmmaCase{"64 bytes", 64, false, false},
                    WgmmaCase{"32 bytes", 32, false, false},
                    WgmmaCase{"none", 16, false, false},
                    WgmmaCase{"128 bytes, B transposed", 128, true, false},
                    WgmmaCase{"none, B transposed", 16, true, false},
                    WgmmaCase{"A in registers", 128, false, true}));

struct WgmmaTypeCase {
  const char *type;
  unsigned bytes;
  uint32_t (*encode)(float);
};

class WgmmaTypeTest : public testing::TestWithParam<WgmmaTypeCase> {};

/// m64n8 with K of 32 bytes, K-major operands in rows of 128 swizzled bytes.
/// Integers are added to what the accumulators hold.
TEST_P(WgmmaTypeTest, MultipliesItsType) {
  const WgmmaTypeCase &test = GetParam();
  unsigned depth = 32 / test.bytes;
  llvm::StringRef type = test.type;
  bool integers = type.contains("s32");
  HarnessRun run(fmt::format("{{ .reg .pred p; setp.ne.b32 p, $10, 0; "
                             "wgmma.fence.sync.aligned; "
                             "wgmma.mma_async.sync.aligned.m64n8k{}.{} "
                             "{{$0, $1, $2, $3}}, $8, $9, p{}{}; "
                             "wgmma.commit_group.sync.aligned; "
                             "wgmma.wait_group.sync.aligned 0; }}",
                             depth, test.type, integers ? "" : ", 1, 1",
                             test.bytes == 2 ? ", 0, 0" : ""),
                 4, "0123llr", 128);
  auto put = [&](unsigned base, unsigned i, unsigned k, float value) {
    uint32_t code = test.encode(value);
    unsigned offset =
        swizzle(base + i / 8 * sbo + i % 8 * 128 + k * test.bytes, 128);
    for (unsigned b = 0; b < test.bytes; ++b)
      run.image[offset + b] = uint8_t(code >> (8 * b));
  };
  for (unsigned k = 0; k < depth; ++k) {
    for (unsigned i = 0; i < 64; ++i)
      put(0, i, k, float(small(i, k)));
    for (unsigned i = 0; i < 8; ++i)
      put(offsetB, i, k, float(small(i + 2, k)));
  }
  for (unsigned lane = 0; lane < 128; ++lane) {
    run.input(lane, 4) = describe(0, 128);
    run.input(lane, 5) = describe(offsetB, 128);
    run.input(lane, 6) = integers;
    for (unsigned i = 0; i < 4; ++i)
      run.input(lane, i) = uint32_t(INT32_MAX - int(lane));
  }
  run.launch();
  for (unsigned lane = 0; lane < 128; ++lane)
    for (unsigned i = 0; i < 4; ++i) {
      unsigned row = lane / 32 * 16 + lane % 32 / 4 + (i & 2 ? 8 : 0);
      unsigned col = lane % 4 * 2 + (i & 1);
      int64_t sum = 0;
      for (unsigned k = 0; k < depth; ++k)
        sum += small(row, k) * small(col + 2, k);
      if (!integers) {
        EXPECT_EQ(std::bit_cast<float>(run.output(lane, i)), float(sum));
        continue;
      }
      sum += INT32_MAX - int(lane);
      if (type.starts_with("satfinite"))
        sum = std::min<int64_t>(sum, INT32_MAX);
      EXPECT_EQ(run.output(lane, i), uint32_t(sum));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Types, WgmmaTypeTest,
    testing::Values(WgmmaTypeCase{"f32.f16.f16", 2, encodeF16},
                    WgmmaTypeCase{"f32.tf32.tf32", 4, encodeTf32},
                    WgmmaTypeCase{"f32.e4m3.e4m3", 1, encodeE4m3},
                    WgmmaTypeCase{"f32.e5m2.e5m2", 1, encodeE5m2},
                    WgmmaTypeCase{"s32.s8.s8", 1, encodeS8},
                    WgmmaTypeCase{"satfinite.s32.s8.s8", 1, encodeS8}));

} // namespace

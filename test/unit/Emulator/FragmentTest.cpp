//===- FragmentTest.cpp - Layouts of the tensor instructions --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which element each register of each lane holds, by the formulas of the PTX
// ISA ("Matrix Fragments", "ldmatrix", "stmatrix"), copied here as they stand
// there.
//
//===----------------------------------------------------------------------===//

#include "FragmentHarness.h"

using namespace moec;
using namespace moec::emulator;

namespace {

struct MmaCase {
  const char *types;
  unsigned k, bits;
  uint32_t (*encode)(float);
  bool integers;
};

class MmaTest : public testing::TestWithParam<MmaCase> {};

/// PTX ISA, mma.m16n8k16 with 16-bit and m16n8k32 with 8-bit elements:
///   row = groupID for ai where 0 <= i < 2 || 4 <= i < 6, else groupID + 8
///   col = threadID_in_group * 2 + (i & 1), + 8 for i >= 4
/// and with 8 bits: 0 <= i < 4 || 8 <= i < 12; * 4 + (i & 3), + 16 for i >= 8;
/// with tf32, groupID for a0 and a2, else groupID + 8; threadID_in_group, + 4
/// for i >= 2. m16n8k4 has a0, a1 and b0 of m16n8k8.
TEST_P(MmaTest, FragmentsAreThoseOfTheManual) {
  const MmaCase &test = GetParam();
  unsigned per = 32 / test.bits, registersA = test.k * test.bits / 64,
           registersB = registersA / 2;
  unsigned numA = registersA * per, numB = registersB * per;
  unsigned next = 4;
  auto registers = [&](unsigned count) {
    std::string list;
    for (unsigned i = 0; i < count; ++i)
      list += fmt::format("{}${}", i ? ", " : "", next++);
    return "{" + list + "}";
  };
  std::string a = registers(registersA), b = registers(registersB),
              c = registers(4);
  HarnessRun run(fmt::format("mma.sync.aligned.m16n8k{}.row.col.{} "
                             "{{$0, $1, $2, $3}}, {}, {}, {};",
                             test.k, test.types, a, b, c),
                 4, std::string(registersA + registersB + 4, 'r'));
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned groupID = lane >> 2, inGroup = lane % 4;
    for (unsigned i = 0; i < numA; ++i) {
      bool upper = test.bits == 16  ? i < 2 || (4 <= i && i < 6)
                   : test.bits == 8 ? i < 4 || (8 <= i && i < 12)
                                    : i == 0 || i == 2;
      unsigned row = upper ? groupID : groupID + 8;
      unsigned col =
          inGroup * per + (i & (per - 1)) + (i >= 2 * per ? 4 * per : 0);
      run.input(lane, i / per) |= uint64_t(test.encode(float(small(row, col))))
                                  << (test.bits * (i % per));
    }
    for (unsigned i = 0; i < numB; ++i) {
      unsigned row = inGroup * per + (i & (per - 1)) + (i >= per ? 4 * per : 0);
      run.input(lane, registersA + i / per) |=
          uint64_t(test.encode(float(small(row + 1, groupID))))
          << (test.bits * (i % per));
    }
    for (unsigned i = 0; i < 4; ++i)
      run.input(lane, registersA + registersB + i) =
          test.integers ? uint32_t(100 * lane + i)
                        : std::bit_cast<uint32_t>(float(lane + i));
  }
  run.launch();
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < 4; ++i) {
      unsigned row = i < 2 ? lane >> 2 : (lane >> 2) + 8;
      unsigned col = (lane % 4) * 2 + (i & 1);
      int sum = 0;
      for (unsigned k = 0; k < test.k; ++k)
        sum += small(row, k) * small(k + 1, col);
      if (test.integers)
        EXPECT_EQ(int32_t(run.output(lane, i)), sum + int(100 * lane + i));
      else
        EXPECT_EQ(std::bit_cast<float>(run.output(lane, i)),
                  float(sum) + float(lane + i));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Types, MmaTest,
    testing::Values(MmaCase{"f32.bf16.bf16.f32", 16, 16, encodeBf16, false},
                    MmaCase{"f32.f16.f16.f32", 16, 16, encodeF16, false},
                    MmaCase{"f32.f16.f16.f32", 8, 16, encodeF16, false},
                    MmaCase{"f32.tf32.tf32.f32", 8, 32, encodeTf32, false},
                    MmaCase{"f32.tf32.tf32.f32", 4, 32, encodeTf32, false},
                    MmaCase{"f32.e4m3.e4m3.f32", 32, 8, encodeE4m3, false},
                    MmaCase{"s32.s8.s8.s32", 32, 8, encodeS8, true}));

/// PTX ISA, ldmatrix: thread 8 m + r has the address of row r of matrix m;
/// each thread gets elements 2 (lane % 4) and the next of row lane / 4.
TEST(FragmentTest, LdmatrixLoadsFourMatrices) {
  for (bool transposed : {false, true}) {
    HarnessRun run(fmt::format("ldmatrix.sync.aligned.m8n8.x4{}.shared.b16 "
                               "{{$0, $1, $2, $3}}, [$4];",
                               transposed ? ".trans" : ""),
                   4, "a");
    auto rowAt = [](unsigned matrix, unsigned row) {
      return (matrix * 8 + (row * 5) % 8) * 48;
    };
    for (unsigned lane = 0; lane < 32; ++lane)
      run.input(lane, 0) = rowAt(lane / 8, lane % 8);
    run.launch();
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned m = 0; m < 4; ++m)
        for (unsigned e = 0; e < 2; ++e) {
          unsigned row = lane / 4, col = 2 * (lane % 4) + e;
          if (transposed)
            std::swap(row, col);
          EXPECT_EQ(uint16_t(run.output(lane, m) >> (16 * e)),
                    run.half(rowAt(m, row) + 2 * col));
        }
  }
}

TEST(FragmentTest, StmatrixIsTheInverseOfLdmatrix) {
  for (bool transposed : {false, true}) {
    HarnessRun run(
        fmt::format("stmatrix.sync.aligned.m8n8.x2{}.shared.b16 [$0], "
                    "{{$1, $2}};",
                    transposed ? ".trans" : ""),
        0, "arr");
    for (unsigned lane = 0; lane < 32; ++lane) {
      run.input(lane, 0) = (lane % 16) * 32;
      for (unsigned m = 0; m < 2; ++m)
        run.input(lane, 1 + m) = (m << 8 | lane) | (m << 8 | lane | 128) << 16;
    }
    run.launch();
    for (unsigned m = 0; m < 2; ++m)
      for (unsigned i = 0; i < 8; ++i)
        for (unsigned j = 0; j < 8; ++j) {
          unsigned row = transposed ? j : i, col = transposed ? i : j;
          unsigned lane = row * 4 + col / 2;
          EXPECT_EQ(run.half((8 * m + i) * 32 + 2 * j),
                    m << 8 | lane | (col % 2 ? 128 : 0));
        }
  }
}

TEST(FragmentTest, MovmatrixTransposes) {
  HarnessRun run("movmatrix.sync.aligned.m8n8.trans.b16 $0, $1;", 1, "r");
  for (unsigned lane = 0; lane < 32; ++lane)
    run.input(lane, 0) = (2 * lane) | (2 * lane + 1) << 16;
  run.launch();
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned e = 0; e < 2; ++e) {
      unsigned row = lane / 4, col = 2 * (lane % 4) + e;
      EXPECT_EQ(uint16_t(run.output(lane, 0) >> (16 * e)), col * 8 + row);
    }
}

} // namespace

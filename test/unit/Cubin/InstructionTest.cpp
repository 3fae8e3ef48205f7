//===- InstructionTest.cpp - Decoding of machine instructions -------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The words are ptxas's, the expected values nvdisasm's.
//
//===----------------------------------------------------------------------===//

#include "moec/Cubin/Instruction.h"

#include <gtest/gtest.h>

using namespace moec::cubin;

TEST(Instruction, hasANameWhereverItsOperandsComeFrom) {
  for (uint64_t form : {0x210, 0x810, 0xa10, 0xc10})
    EXPECT_EQ(decode(form, 0, 80).name(), "IADD3");
  EXPECT_EQ(decode(0x0000000000007919, 0x000e220000002100, 80).name(), "S2R");
  EXPECT_EQ(decode(0x1ff, 0, 80).name(), "0x1ff");
  EXPECT_EQ(decode(0x1ff, 0, 80).kind, OpClass::Unknown);
}

TEST(Instruction, hasTheScheduleOfItsControlWord) {
  EXPECT_EQ(decode(0x00000a0000017a02, 0x000fe40000000f00, 80).stall, 2);
  EXPECT_EQ(decode(0x000000030200780c, 0x000fda0003f05070, 80).stall, 13);
}

TEST(Instruction, countsTheWorkOfAWarpsProduct) {
  auto work = [](uint64_t low, uint64_t high) {
    Instruction product = decode(low, high, 80);
    EXPECT_EQ(product.kind, OpClass::Tensor);
    EXPECT_FALSE(product.ofWarpgroup);
    return std::pair<unsigned, unsigned>(product.multiplyAdds, product.bits);
  };
  using Work = std::pair<unsigned, unsigned>;
  EXPECT_EQ(work(0x23c, 0x004ff6000004180c), Work(16 * 8 * 16, 16)); // bf16
  EXPECT_EQ(work(0x23c, 0x004ff6000000180c), Work(16 * 8 * 16, 16)); // f16
  EXPECT_EQ(work(0x23c, 0x004fde0000041008), Work(16 * 8 * 8, 16));
  EXPECT_EQ(work(0x23c, 0x004ff6000008100c), Work(16 * 8 * 8, 32)); // tf32
  EXPECT_EQ(work(0x23c, 0x004fde0000085008), Work(16 * 8 * 4, 32));
  EXPECT_EQ(work(0x237, 0x004ff60000405c0c), Work(16 * 8 * 32, 8)); // int8
  EXPECT_EQ(work(0x237, 0x004fde0000405408), Work(16 * 8 * 16, 8));
  EXPECT_EQ(work(0x237, 0x004fd80000005406), Work(8 * 8 * 16, 8));
  EXPECT_EQ(work(0x27a, 0x004ff60000002c0c), Work(16 * 8 * 32, 8)); // fp8
}

TEST(Instruction, countsTheWorkOfAWarpgroupsProduct) {
  auto columns = [](uint64_t low, uint64_t high, unsigned depth) {
    Instruction product = decode(low, high, 90);
    EXPECT_EQ(product.kind, OpClass::Tensor);
    EXPECT_TRUE(product.ofWarpgroup);
    return product.multiplyAdds / 64 / depth;
  };
  constexpr uint64_t bf16 = 0x000fe60008001818, tf32 = 0x000fe60008002818,
                     fp8 = 0x000fe60008000818;
  EXPECT_EQ(columns(0x00000000041879f0, bf16, 16), 8u);
  EXPECT_EQ(columns(0x00200000041879f0, bf16, 16), 16u);
  EXPECT_EQ(columns(0x02000000081879f0, bf16, 16), 136u);
  EXPECT_EQ(columns(0x03e00000041879f0, bf16, 16), 256u);
  // With the first operand in registers:
  EXPECT_EQ(columns(0x03e0000498187df0, bf16, 16), 256u);
  EXPECT_EQ(columns(0x04e00000081879f0, tf32, 8), 64u);
  EXPECT_EQ(columns(0x00e00000081879f3, fp8, 32), 64u);
}

TEST(Instruction, branchesToItsTarget) {
  auto target = [](uint64_t at, uint64_t low, uint64_t high, unsigned chip) {
    Instruction branch = decode(low, high, chip);
    EXPECT_TRUE(branch.branch.has_value());
    return int64_t(at) + 16 + *branch.branch * 16;
  };
  EXPECT_EQ(target(0x60, 0x000006d000008947, 0x000fea0003800000, 80), 0x740);
  EXPECT_EQ(target(0x350, 0xfffffe4000008947, 0x000fea000383ffff, 80), 0x1a0);
  EXPECT_EQ(target(0xb00, 0xfffffff000007947, 0x000fc0000383ffff, 80), 0xb00);
  EXPECT_EQ(target(0xb0, 0x0000000000480947, 0x000fea0003800000, 90), 0x1e0);
  EXPECT_EQ(target(0x290, 0x0000000c00e01947, 0x002fea0003800000, 90), 0x1220);
  EXPECT_EQ(target(0x10e0, 0xfffffff800704947, 0x002fea000383ffff, 90), 0xab0);
}

TEST(Instruction, endsIfNoLaneGoesOn) {
  EXPECT_TRUE(decode(0xfffffff000007947, 0x000fc0000383ffff, 80).ends);
  EXPECT_FALSE(decode(0xfffffe4000008947, 0x000fea000383ffff, 80).ends);
  // A branch by lanes' disagreement:
  EXPECT_FALSE(decode(0x0000001a04d07947, 0x000fd8000b800000, 90).ends);
  // A branch with a second predicate:
  EXPECT_FALSE(decode(0x0000000400247947, 0x000fea0005000000, 100).ends);
  EXPECT_TRUE(decode(0x000000000000794d, 0x000fea0003800000, 80).ends);
  EXPECT_FALSE(decode(0x000000000000094d, 0x000fea0003800000, 80).ends);
}

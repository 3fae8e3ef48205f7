//===- FragmentTest.cpp - Layouts of the tensor instructions --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which element each register of each lane holds, by the formulas of the PTX
// ISA ("Matrix Fragments", "ldmatrix", "stmatrix", "Matrix Descriptor"), copied
// here as they stand there.
//
//===----------------------------------------------------------------------===//

#include "TestKernel.h"
#include "moec/Support/Float.h"

#include "llvm/ADT/StringExtras.h"

#include <fmt/format.h>
#include <random>

using namespace moec;
using namespace moec::emulator;

namespace {

constexpr unsigned imageBytes = 16384;

/// A kernel that puts `image` into shared memory, runs `assembly` on the
/// registers of `in`, stores its results to `out` and brings the image back.
/// Inputs with 'a' in `kinds` are offsets in shared memory, 'l' has 64 bits, a
/// digit is what the result of that number holds before.
std::string harness(const std::string &assembly, unsigned results,
                    const std::string &kinds) {
  std::string constraints, loads, arguments, resultType, stores;
  for (unsigned i = 0; i < results; ++i) {
    constraints += constraints.empty() ? "=r" : ",=r";
    resultType += i ? ", i32" : "i32";
  }
  for (unsigned i = 0; i < kinds.size(); ++i) {
    bool wide = kinds[i] == 'l';
    bool tied = llvm::isDigit(kinds[i]);
    constraints += std::string(",") + (wide ? 'l' : tied ? kinds[i] : 'r');
    loads += fmt::format(R"(
  %ip{0} = getelementptr i64, ptr %inBase, i64 {0}
  %iw{0} = load i64, ptr %ip{0}, align 8
  %is{0} = add i64 %iw{0}, {1}
  %it{0} = trunc i64 %is{0} to i32)",
                         i, kinds[i] == 'a' ? "%base" : "0");
    arguments += fmt::format("{}{} %{}{}", i ? ", " : "", wide ? "i64" : "i32",
                             wide ? "iw" : "it", i);
  }
  if (constraints[0] == ',')
    constraints.erase(0, 1);
  for (unsigned i = 0; i < results; ++i)
    stores += fmt::format(R"(
  %r{0} = {2}
  %op{0} = getelementptr i32, ptr %outBase, i64 {0}
  store i32 %r{0}, ptr %op{0}, align 4)",
                          i, results,
                          results > 1 ? fmt::format("extractvalue {{ {} }} %r, "
                                                    "{}",
                                                    resultType, i)
                                      : "add i32 %r, 0");
  std::string type = results == 0   ? "void"
                     : results == 1 ? "i32"
                                    : "{ " + resultType + " }";
  return fmt::format(R"(
@s = internal addrspace(3) global [{0} x i32] undef, align 1024
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare void @llvm.nvvm.fence.proxy.async.shared_cta()
define ptx_kernel void @k(ptr %image, ptr %in, ptr %out) {{
entry:
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %n = call i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
  %base = ptrtoint ptr addrspace(3) @s to i64
  br label %copy
copy:
  %i = phi i32 [ %t, %entry ], [ %next, %copy ]
  %g = getelementptr i32, ptr %image, i32 %i
  %v = load i32, ptr %g, align 4
  %p = getelementptr i32, ptr addrspace(3) @s, i32 %i
  store i32 %v, ptr addrspace(3) %p, align 4
  %next = add i32 %i, %n
  %more = icmp ult i32 %next, {0}
  br i1 %more, label %copy, label %run
run:
  call void @llvm.nvvm.fence.proxy.async.shared_cta()
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %inAt = mul i32 %t, {1}
  %inBase = getelementptr i64, ptr %in, i32 %inAt
  %outAt = mul i32 %t, {2}
  %outBase = getelementptr i32, ptr %out, i32 %outAt
  {3}
  {4}call {5} asm sideeffect "{6}", "{7}"({8})
  {9}
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br label %back
back:
  %j = phi i32 [ %t, %run ], [ %after, %back ]
  %q = getelementptr i32, ptr addrspace(3) @s, i32 %j
  %w = load i32, ptr addrspace(3) %q, align 4
  %h = getelementptr i32, ptr %image, i32 %j
  store i32 %w, ptr %h, align 4
  %after = add i32 %j, %n
  %again = icmp ult i32 %after, {0}
  br i1 %again, label %back, label %end
end:
  ret void
}}
)",
                     imageBytes / 4, kinds.size(), results, loads,
                     results ? "%r = " : "", type, assembly, constraints,
                     arguments, stores);
}

/// A run of the harness on one warp or warpgroup.
struct HarnessRun {
  HarnessRun(const std::string &assembly, unsigned results,
             const std::string &kinds, unsigned threads = 32)
      : kernel(harness(assembly, results, kinds)), threads(threads),
        numIn(kinds.size()), numOut(results),
        image(kernel.buffer<uint8_t>("image", imageBytes)),
        in(kernel.buffer<uint64_t>("in", threads * std::max(numIn, 1u))),
        out(kernel.buffer<uint32_t>("out", threads * std::max(numOut, 1u))) {
    std::fill(in.begin(), in.end(), 0);
    std::mt19937 generator(7);
    for (uint8_t &byte : image)
      byte = generator();
  }
  void launch() {
    LaunchReport report = kernel.launch({{1}, {threads}}, image.address(),
                                        in.address(), out.address());
    EXPECT_TRUE(report.clean()) << report.text();
  }
  uint64_t &input(unsigned lane, unsigned i) { return in[lane * numIn + i]; }
  uint32_t output(unsigned lane, unsigned i) { return out[lane * numOut + i]; }
  uint16_t half(unsigned byte) {
    return uint16_t(image[byte] | image[byte + 1] << 8);
  }

  TestKernel kernel;
  unsigned threads, numIn, numOut;
  TestBuffer<uint8_t> image;
  TestBuffer<uint64_t> in;
  TestBuffer<uint32_t> out;
};

/// Small integers, exact in every type and sum here.
int small(unsigned i, unsigned j) { return int((i * 7 + j * 3) % 7) - 3; }

struct MmaCase {
  const char *types;
  unsigned k, bits;
  uint32_t (*encode)(float);
  bool integers;
};

uint32_t encodeBf16(float x) { return floatToBf16(x); }
uint32_t encodeF16(float x) { return floatToF16(x); }
uint32_t encodeE4m3(float x) { return floatToF8e4m3(x); }
uint32_t encodeE5m2(float x) { return floatToF8e5m2(x); }
/// The low 13 bits are not read, so they may be anything.
uint32_t encodeTf32(float x) { return std::bit_cast<uint32_t>(x) | 0x1abc; }
uint32_t encodeS8(float x) { return uint8_t(int8_t(x)); }

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

//===- FragmentHarness.h - One instruction of a warp ------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs PTX on given registers and shared memory, for tests of what instructions
// take from which place.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_TEST_UNIT_EMULATOR_FRAGMENTHARNESS_H
#define MOEC_TEST_UNIT_EMULATOR_FRAGMENTHARNESS_H

#include "TestKernel.h"
#include "moec/Support/Float.h"

#include "llvm/ADT/StringExtras.h"

#include <fmt/format.h>
#include <random>

namespace moec::emulator {

inline constexpr unsigned imageBytes = 16384;

/// A kernel that puts `image` into shared memory, runs `assembly` on the
/// registers of `in`, stores its results to `out` and brings the image back.
/// Inputs with 'a' in `kinds` are offsets in shared memory, 'l' has 64 bits, a
/// digit is what the result of that number holds before.
inline std::string harness(const std::string &assembly, unsigned results,
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
inline int small(unsigned i, unsigned j) {
  return int((i * 7 + j * 3) % 7) - 3;
}

// Numbers as instructions have them.
inline uint32_t encodeBf16(float x) { return floatToBf16(x); }
inline uint32_t encodeF16(float x) { return floatToF16(x); }
inline uint32_t encodeE4m3(float x) { return floatToF8e4m3(x); }
inline uint32_t encodeE5m2(float x) { return floatToF8e5m2(x); }
/// The low 13 bits are not read, so they may be anything.
inline uint32_t encodeTf32(float x) {
  return std::bit_cast<uint32_t>(x) | 0x1abc;
}
inline uint32_t encodeS8(float x) { return uint8_t(int8_t(x)); }

} // namespace moec::emulator

#endif // MOEC_TEST_UNIT_EMULATOR_FRAGMENTHARNESS_H

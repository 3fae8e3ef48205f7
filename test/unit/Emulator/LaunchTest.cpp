//===- LaunchTest.cpp - Simple kernels on the emulator --------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Indices, memory, barriers, warp operations and atomics, right and wrong.
//
//===----------------------------------------------------------------------===//

#include "TestKernel.h"

using namespace moec;
using namespace moec::emulator;

namespace {

TEST(LaunchTest, EveryThreadKnowsItsIndices) {
  TestKernel kernel(R"(
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.y()
declare i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
define ptx_kernel void @k(ptr addrspace(1) %out, i32 %factor) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.y()
  %n = call i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
  %first = mul i32 %b, %n
  %i = add i32 %first, %t
  %v = mul i32 %i, %factor
  %p = getelementptr i32, ptr addrspace(1) %out, i32 %i
  store i32 %v, ptr addrspace(1) %p, align 4
  ret void
}
)");
  auto out = kernel.buffer<int32_t>("out", 3 * 40);
  int32_t factor = 7;
  LaunchReport report =
      kernel.launch({{1, 3, 1}, {40, 1, 1}}, out.address(), factor);
  EXPECT_TRUE(report.clean()) << report.text();
  for (int i = 0; i < 3 * 40; ++i)
    EXPECT_EQ(out[i], 7 * i);
}

const char *const exchange = R"(
@s = internal addrspace(3) global [64 x i32] undef, align 4
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
define ptx_kernel void @k(ptr %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %own = getelementptr i32, ptr addrspace(3) @s, i32 %t
  store i32 %t, ptr addrspace(3) %own, align 4
  BARRIER
  %o = sub i32 63, %t
  %other = getelementptr i32, ptr addrspace(3) @s, i32 %o
  %v = load i32, ptr addrspace(3) %other, align 4
  %p = getelementptr i32, ptr %out, i32 %t
  store i32 %v, ptr %p, align 4
  ret void
}
)";

std::string withBarrier(llvm::StringRef text) {
  std::string kernel = exchange;
  kernel.replace(kernel.find("BARRIER"), 7, text);
  return kernel;
}

TEST(LaunchTest, ABarrierOrdersSharedMemory) {
  TestKernel kernel(
      withBarrier("call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)"));
  auto out = kernel.buffer<int32_t>("out", 64);
  LaunchReport report = kernel.launch({{1}, {64}}, out.address());
  EXPECT_TRUE(report.clean()) << report.text();
  for (int i = 0; i < 64; ++i)
    EXPECT_EQ(out[i], 63 - i);
  EXPECT_EQ(report.counters.barrierWaits, 64u);
}

TEST(LaunchTest, AMissingBarrierIsARaceWhateverTheOrder) {
  for (uint64_t seed = 1; seed < 6; ++seed) {
    TestKernel kernel(withBarrier(""));
    auto out = kernel.buffer<int32_t>("out", 64);
    kernel.options.seed = seed;
    LaunchReport report = kernel.launch({{1}, {64}}, out.address());
    EXPECT_TRUE(report.has(FindingKind::Race) ||
                report.has(FindingKind::Uninitialized))
        << report.text();
  }
}

TEST(LaunchTest, ABarrierOfHalfTheThreadsIsADeadlock) {
  TestKernel kernel(withBarrier(R"(
  %first = icmp ult i32 %t, 32
  br i1 %first, label %wait, label %done
wait:
  call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 1, i32 64)
  br label %done
done:)") + "declare void "
           "@llvm.nvvm.barrier.cta.sync.aligned.count(i32, i32)");
  auto out = kernel.buffer<int32_t>("out", 64);
  LaunchReport report = kernel.launch({{1}, {64}}, out.address());
  ASSERT_TRUE(report.has(FindingKind::Deadlock)) << report.text();
  EXPECT_NE(report.text().find("threads 0-31 wait for the others"),
            std::string::npos)
      << report.text();
}

TEST(LaunchTest, AccessesOutsideOfBuffersAreReportedAndHarmless) {
  TestKernel kernel(
      withBarrier("call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)"));
  auto out = kernel.buffer<int32_t>("out", 63);
  LaunchReport report = kernel.launch({{1}, {64}}, out.address());
  ASSERT_EQ(report.findings.size(), 1u) << report.text();
  EXPECT_EQ(report.findings[0].kind, FindingKind::OutOfBounds);
  EXPECT_EQ(report.findings[0].thread[0], 63u);
  EXPECT_EQ(report.findings[0].message,
            "write of 4 bytes, 0 bytes after the end of buffer 'out' "
            "(252 bytes)");
}

TEST(LaunchTest, AButterflySumsAWarp) {
  TestKernel kernel(R"(
declare i32 @llvm.nvvm.read.ptx.sreg.laneid()
declare float @llvm.nvvm.shfl.sync.bfly.f32(i32, float, i32, i32)
declare i32 @llvm.nvvm.vote.ballot.sync(i32, i1)
define ptx_kernel void @k(ptr %out, ptr %votes) {
entry:
  %l = call i32 @llvm.nvvm.read.ptx.sreg.laneid()
  %start = uitofp i32 %l to float
  br label %loop
loop:
  %d = phi i32 [ 16, %entry ], [ %half, %loop ]
  %x = phi float [ %start, %entry ], [ %sum, %loop ]
  %y = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %x, i32 %d, i32 31)
  %sum = fadd float %x, %y
  %half = lshr i32 %d, 1
  %more = icmp ne i32 %half, 0
  br i1 %more, label %loop, label %end
end:
  %odd = trunc i32 %l to i1
  %b = call i32 @llvm.nvvm.vote.ballot.sync(i32 -1, i1 %odd)
  %p = getelementptr float, ptr %out, i32 %l
  store float %sum, ptr %p, align 4
  %q = getelementptr i32, ptr %votes, i32 %l
  store i32 %b, ptr %q, align 4
  ret void
}
)");
  auto out = kernel.buffer<float>("out", 32);
  auto votes = kernel.buffer<uint32_t>("votes", 32);
  LaunchReport report =
      kernel.launch({{1}, {32}}, out.address(), votes.address());
  EXPECT_TRUE(report.clean()) << report.text();
  for (int i = 0; i < 32; ++i) {
    EXPECT_EQ(out[i], 496);
    EXPECT_EQ(votes[i], 0xaaaaaaaau);
  }
}

TEST(LaunchTest, WarpsAndBlocksReduce) {
  TestKernel kernel(R"(
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.redux.sync.add(i32, i32)
declare i32 @llvm.nvvm.redux.sync.min(i32, i32)
declare i32 @llvm.nvvm.match.any.sync.i32(i32, i32)
declare i32 @llvm.nvvm.barrier.cta.red.popc.aligned.all(i32, i1)
define ptx_kernel void @k(ptr %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %sum = call i32 @llvm.nvvm.redux.sync.add(i32 %t, i32 -1)
  %negative = sub i32 5, %t
  %least = call i32 @llvm.nvvm.redux.sync.min(i32 %negative, i32 -1)
  %bits = and i32 %t, 3
  %same = call i32 @llvm.nvvm.match.any.sync.i32(i32 -1, i32 %bits)
  %few = icmp ult i32 %t, 37
  %count = call i32 @llvm.nvvm.barrier.cta.red.popc.aligned.all(i32 0, i1 %few)
  %p = getelementptr [4 x i32], ptr %out, i32 %t
  store i32 %sum, ptr %p, align 4
  %q = getelementptr i32, ptr %p, i32 1
  store i32 %least, ptr %q, align 4
  %r = getelementptr i32, ptr %p, i32 2
  store i32 %same, ptr %r, align 4
  %s = getelementptr i32, ptr %p, i32 3
  store i32 %count, ptr %s, align 4
  ret void
}
)");
  auto out = kernel.buffer<int32_t>("out", 4 * 64);
  LaunchReport report = kernel.launch({{1}, {64}}, out.address());
  EXPECT_TRUE(report.clean()) << report.text();
  for (int t = 0; t < 64; ++t) {
    int warp = t / 32;
    EXPECT_EQ(out[4 * t], 496 + 1024 * warp);
    EXPECT_EQ(out[4 * t + 1], 5 - (31 + 32 * warp));
    EXPECT_EQ(uint32_t(out[4 * t + 2]), 0x11111111u << (t % 4));
    EXPECT_EQ(out[4 * t + 3], 37);
  }
}

TEST(LaunchTest, ALaneThatDoesNotComeIsADivergence) {
  TestKernel kernel(R"(
declare i32 @llvm.nvvm.read.ptx.sreg.laneid()
declare i32 @llvm.nvvm.shfl.sync.idx.i32(i32, i32, i32, i32)
define ptx_kernel void @k(ptr %out) {
entry:
  %l = call i32 @llvm.nvvm.read.ptx.sreg.laneid()
  %some = icmp ult i32 %l, 30
  br i1 %some, label %in, label %end
in:
  %y = call i32 @llvm.nvvm.shfl.sync.idx.i32(i32 -1, i32 %l, i32 3, i32 31)
  br label %end
end:
  ret void
}
)");
  auto out = kernel.buffer<float>("out", 32);
  LaunchReport report = kernel.launch({{1}, {32}}, out.address());
  EXPECT_TRUE(report.has(FindingKind::Divergence)) << report.text();
}

TEST(LaunchTest, AtomicsOfAllBlocksAddUp) {
  TestKernel kernel(R"(
declare float @llvm.nvvm.ex2.approx.ftz.f32(float)
define ptx_kernel void @k(ptr addrspace(1) %sum, ptr addrspace(1) %count) {
  %two = call float @llvm.nvvm.ex2.approx.ftz.f32(float 1.0)
  %half = call float asm "rcp.approx.ftz.f32 $0, $1;", "=f,f"(float %two)
  %old = atomicrmw fadd ptr addrspace(1) %sum, float %half syncscope("device") monotonic, align 4
  %n = atomicrmw add ptr addrspace(1) %count, i32 1 monotonic, align 4
  ret void
}
)");
  auto sum = kernel.buffer<float>("sum", 1);
  auto count = kernel.buffer<int32_t>("count", 1);
  sum[0] = 0;
  count[0] = 0;
  LaunchReport report =
      kernel.launch({{5, 2, 1}, {33}}, sum.address(), count.address());
  EXPECT_TRUE(report.clean()) << report.text();
  EXPECT_EQ(sum[0], 165);
  EXPECT_EQ(count[0], 330);
}

TEST(LaunchTest, UnknownOperationsAreNamed) {
  EXPECT_EQ(buildError(R"(
define ptx_kernel void @k(i32 %x) {
  call void asm sideeffect "frobnicate.sync.b32 $0;", "r"(i32 %x)
  ret void
}
)"),
            "in function 'k': the PTX instruction frobnicate.sync.b32 is not "
            "modelled");
  EXPECT_EQ(buildError(R"(
define ptx_kernel void @k(<4 x i32> %x) {
  call void asm sideeffect "st.global.v4.u32 [0], $0;", "q"(<4 x i32> %x)
  ret void
}
)"),
            "in function 'k': inline PTX with values of more than 64 bits is "
            "not modelled");
  EXPECT_EQ(buildError(R"(
declare void @llvm.nvvm.compiler.warn(ptr addrspace(4))
define ptx_kernel void @k() {
  call void @llvm.nvvm.compiler.warn(ptr addrspace(4) null)
  ret void
}
)"),
            "in function 'k': the operation llvm.nvvm.compiler.warn.p4 is not "
            "modelled");
}

TEST(LaunchTest, RecursionIsRefused) {
  EXPECT_EQ(buildError(R"(
define i32 @f(i32 %x) {
  %y = call i32 @f(i32 %x)
  ret i32 %y
}
define ptx_kernel void @k(i32 %x) {
  %y = call i32 @f(i32 %x)
  ret void
}
)"),
            "function 'f' calls itself, which is not modelled");
}

TEST(LaunchTest, ReportsNameTheLineOfTheSource) {
  TestKernel kernel(R"(
define ptx_kernel void @k(ptr %out) !dbg !3 {
  %p = getelementptr i32, ptr %out, i32 5
  store i32 1, ptr %p, align 4, !dbg !4
  ret void
}
!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!5}
!0 = distinct !DICompileUnit(language: DW_LANG_C, file: !1)
!1 = !DIFile(filename: "kernel.cu", directory: "")
!2 = !DISubroutineType(types: !{})
!3 = distinct !DISubprogram(name: "k", file: !1, unit: !0, type: !2, spFlags: DISPFlagDefinition)
!4 = !DILocation(line: 42, column: 7, scope: !3)
!5 = !{i32 2, !"Debug Info Version", i32 3}
)");
  auto out = kernel.buffer<int32_t>("out", 5);
  LaunchReport report = kernel.launch({}, out.address());
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].location, "kernel.cu:42:7");
}

TEST(LaunchTest, DivisionTrapsAndMisalignmentAreReported) {
  TestKernel kernel(R"(
declare void @llvm.trap()
define ptx_kernel void @k(ptr %out, i32 %zero, i32 %minusOne) {
  %q = sdiv i32 7, %zero
  %least = shl i32 %minusOne, 31
  %r = sdiv i32 %least, %minusOne
  store i32 %r, ptr %out, align 4
  %p = getelementptr i8, ptr %out, i32 2
  store i32 %q, ptr %p, align 4
  call void @llvm.trap()
  ret void
}
)");
  auto out = kernel.buffer<int32_t>("out", 2);
  LaunchReport report = kernel.launch({}, out.address(), 0, -1);
  EXPECT_TRUE(report.has(FindingKind::DivisionByZero)) << report.text();
  EXPECT_TRUE(report.has(FindingKind::Misaligned)) << report.text();
  EXPECT_TRUE(report.has(FindingKind::Trap)) << report.text();
}

TEST(LaunchTest, BytesOfAWordHaveTheirOwnHistory) {
  TestKernel kernel(R"(
@s = internal addrspace(3) global [32 x i8] undef, align 4
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
define ptx_kernel void @k(ptr %out) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %p = getelementptr i8, ptr addrspace(3) @s, i32 %t
  %v = trunc i32 %t to i8
  store i8 %v, ptr addrspace(3) %p, align 1
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %word = and i32 %t, 28
  %q = getelementptr i8, ptr addrspace(3) @s, i32 %word
  %w = load i32, ptr addrspace(3) %q, align 4
  %o = getelementptr i32, ptr %out, i32 %t
  store i32 %w, ptr %o, align 4
  ret void
}
)");
  auto out = kernel.buffer<uint32_t>("out", 32);
  LaunchReport report = kernel.launch({{1}, {32}}, out.address());
  EXPECT_TRUE(report.clean()) << report.text();
  EXPECT_EQ(out[5], 0x07060504u);
}

TEST(LaunchTest, EmulatorsDoNotShareState) {
  auto text =
      withBarrier("call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)");
  TestKernel first(text), second(text);
  auto a = first.buffer<int32_t>("a", 64), b = second.buffer<int32_t>("b", 64);
  EXPECT_TRUE(first.launch({{1}, {64}}, a.address()).clean());
  EXPECT_TRUE(second.launch({{1}, {64}}, b.address()).clean());
  // Each knows its own buffers only.
  EXPECT_FALSE(first.launch({{1}, {64}}, b.address()).clean());
}

TEST(LaunchTest, AnEndlessLoopIsGivenUp) {
  TestKernel kernel(R"(
define ptx_kernel void @k(ptr %flag) {
entry:
  br label %loop
loop:
  %f = load volatile i32, ptr %flag, align 4
  %wait = icmp ne i32 %f, 1
  br i1 %wait, label %loop, label %end
end:
  ret void
}
)");
  auto flag = kernel.buffer<int32_t>("flag", 1);
  kernel.options.maxIdleIterations = 1 << 16;
  LaunchReport report = kernel.launch({{1}, {32}}, flag.address());
  EXPECT_TRUE(report.has(FindingKind::NoProgress)) << report.text();
}

} // namespace

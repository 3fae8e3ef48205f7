//===- CopiesTest.cpp - Asynchronous copies and clusters ------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What TMA, cp.async and the operations of clusters do with bytes, in every
// completion mode.
//
//===----------------------------------------------------------------------===//

#include "TestKernel.h"
#include "moec/Emulator/TensorMap.h"

#include <cstring>
#include <fmt/format.h>

using namespace moec;
using namespace moec::emulator;

namespace {

class CopiesTest : public testing::TestWithParam<Completion> {};

INSTANTIATE_TEST_SUITE_P(Modes, CopiesTest,
                         testing::Values(Completion::Eager, Completion::Lazy,
                                         Completion::Random));

/// A kernel of one thread a block that has an mbarrier @bar for one arrival,
/// runs `start`, waits for phase 0 and copies 256 words of @s to %out.
std::string loadKernel(const std::string &start) {
  return fmt::format(R"(
@s = internal addrspace(3) global [256 x i32] undef, align 1024
@bar = internal addrspace(3) global i64 undef, align 8
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.cluster.ctarank()
declare void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3), i32)
declare i64 @llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(ptr addrspace(3), i32)
declare i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3), i32)
declare void @llvm.nvvm.cp.async.bulk.tensor.g2s.tile.3d(ptr addrspace(7), ptr addrspace(3), ptr, i32, i32, i32, i16, i64, i1, i1, i32)
declare void @llvm.nvvm.barrier.cluster.arrive()
declare void @llvm.nvvm.barrier.cluster.wait()
define ptx_kernel void @k(ptr byval([128 x i8]) align 64 "nvvm.grid_constant" %map, ptr %x, ptr %out) {{
entry:
  call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) @bar, i32 1)
  call void @llvm.nvvm.barrier.cluster.arrive()
  call void @llvm.nvvm.barrier.cluster.wait()
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %rank = call i32 @llvm.nvvm.read.ptx.sreg.cluster.ctarank()
  %to = addrspacecast ptr addrspace(3) @s to ptr
  %cluster = addrspacecast ptr %to to ptr addrspace(7)
  {0}
  br label %wait
wait:
  %done = call i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3) @bar, i32 0)
  br i1 %done, label %ready, label %wait
ready:
  %first = mul i32 %b, 256
  br label %copy
copy:
  %i = phi i32 [ 0, %ready ], [ %next, %copy ]
  %p = getelementptr i32, ptr addrspace(3) @s, i32 %i
  %v = load i32, ptr addrspace(3) %p, align 4
  %at = add i32 %first, %i
  %q = getelementptr i32, ptr %out, i32 %at
  store i32 %v, ptr %q, align 4
  %next = add i32 %i, 1
  %more = icmp ult i32 %next, 256
  br i1 %more, label %copy, label %end
end:
  call void @llvm.nvvm.barrier.cluster.arrive()
  call void @llvm.nvvm.barrier.cluster.wait()
  ret void
}}
)",
                     start);
}

/// A tensor of 5 x 7 x 12 words, in boxes of 4 x 2 x 32 words.
TensorMap mapOf(void *data, Swizzle swizzle) {
  static const uint64_t sizes[] = {12, 7, 5}, strides[] = {48, 336};
  static const uint32_t box[] = {32, 2, 4};
  TensorMapLayout layout;
  layout.address = data;
  layout.elementBytes = 4;
  layout.sizes = sizes;
  layout.strides = strides;
  layout.box = box;
  layout.swizzle = swizzle;
  return llvm::cantFail(TensorMap::encode(layout));
}

/// Element (z, y, x) of the tensor, which counts from 1; 0 outside.
uint32_t tensorAt(int x, int y, int z) {
  bool inside = 0 <= x && x < 12 && 0 <= y && y < 7 && 0 <= z && z < 5;
  return inside ? uint32_t(1 + x + 12 * (y + 7 * z)) : 0;
}

TestBuffer<uint32_t> makeTensor(TestKernel &kernel) {
  auto x = kernel.buffer<uint32_t>("x", 12 * 7 * 5);
  for (uint32_t i = 0; i < x.size(); ++i)
    x[i] = i + 1;
  return x;
}

TEST_P(CopiesTest, TmaFillsWhatIsOutsideWithZeros) {
  for (Swizzle swizzle : {Swizzle::None, Swizzle::B128}) {
    TestKernel kernel(loadKernel(
        "%t = call i64 "
        "@llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta("
        "ptr addrspace(3) @bar, i32 1024)\n"
        "call void @llvm.nvvm.cp.async.bulk.tensor.g2s.tile.3d(ptr "
        "addrspace(7) %cluster, ptr addrspace(3) @bar, ptr %map, i32 -3, i32 "
        "6, i32 3, i16 0, i64 0, i1 false, i1 false, i32 0)"));
    kernel.options.completion = GetParam();
    auto x = makeTensor(kernel);
    auto out = kernel.buffer<uint32_t>("out", 256);
    LaunchReport report = kernel.launch({}, mapOf(x.address(), swizzle),
                                        x.address(), out.address());
    EXPECT_TRUE(report.clean()) << report.text();
    EXPECT_EQ(report.counters.tma, 1u);
    for (int z = 0; z < 4; ++z)
      for (int y = 0; y < 2; ++y)
        for (int i = 0; i < 32; ++i) {
          // A swizzle of 128 bytes xors chunks of 4 words by the row of 128.
          int row = z * 2 + y;
          int chunk = swizzle == Swizzle::None ? i / 4 : (i / 4) ^ (row % 8);
          EXPECT_EQ(out[row * 32 + chunk * 4 + i % 4],
                    tensorAt(i - 3, y + 6, z + 3));
        }
  }
}

/// Block 0 loads for both blocks of the cluster; each waits at its own
/// mbarrier.
TEST_P(CopiesTest, TmaReachesAllBlocksOfTheMask) {
  TestKernel kernel(loadKernel(R"(
  %t = call i64 @llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(ptr addrspace(3) @bar, i32 1024)
  %isFirst = icmp eq i32 %rank, 0
  br i1 %isFirst, label %load, label %loaded
load:
  call void @llvm.nvvm.cp.async.bulk.tensor.g2s.tile.3d(ptr addrspace(7) %cluster, ptr addrspace(3) @bar, ptr %map, i32 0, i32 1, i32 2, i16 3, i64 0, i1 true, i1 false, i32 0)
  br label %loaded
loaded:)"));
  kernel.options.completion = GetParam();
  auto x = makeTensor(kernel);
  auto out = kernel.buffer<uint32_t>("out", 512);
  LaunchReport report = kernel.launch({.grid = {2}, .cluster = {2}},
                                      mapOf(x.address(), Swizzle::None),
                                      x.address(), out.address());
  EXPECT_TRUE(report.clean()) << report.text();
  for (int i = 0; i < 256; ++i) {
    uint32_t expected = tensorAt(i % 32, i / 32 % 2 + 1, i / 64 + 2);
    EXPECT_EQ(out[i], expected);
    EXPECT_EQ(out[256 + i], expected);
  }
}

/// Zeros past the source size, and an arrival when the copies have landed.
TEST_P(CopiesTest, CpAsyncFillsWithZerosAndArrives) {
  std::string copies;
  for (int i = 0; i < 64; ++i)
    copies += fmt::format(
        R"(
  %f{0} = getelementptr i8, ptr %x, i32 {1}
  %g{0} = addrspacecast ptr %f{0} to ptr addrspace(1)
  call void @llvm.nvvm.cp.async.cg.shared.global.16.s(ptr addrspace(3) getelementptr (i8, ptr addrspace(3) @s, i32 {1}), ptr addrspace(1) %g{0}, i32 {2}))",
        i, 16 * i, i % 17);
  TestKernel kernel(
      loadKernel(copies + "\n  call void "
                          "@llvm.nvvm.cp.async.mbarrier.arrive.noinc.shared("
                          "ptr addrspace(3) @bar)") +
      "declare void @llvm.nvvm.cp.async.cg.shared.global.16.s("
      "ptr addrspace(3), ptr addrspace(1), i32)\n"
      "declare void @llvm.nvvm.cp.async.mbarrier.arrive.noinc.shared("
      "ptr addrspace(3))\n");
  kernel.options.completion = GetParam();
  auto x = kernel.buffer<uint8_t>("x", 1024);
  for (uint32_t i = 0; i < 1024; ++i)
    x[i] = uint8_t(i % 251 + 1);
  auto out = kernel.buffer<uint8_t>("out", 1024);
  LaunchReport report = kernel.launch({}, mapOf(x.address(), Swizzle::None),
                                      x.address(), out.address());
  EXPECT_TRUE(report.clean()) << report.text();
  for (int i = 0; i < 1024; ++i)
    EXPECT_EQ(out[i], i % 16 < i / 16 % 17 ? x[i] : 0) << i;
}

/// 64 columns of four rows of a matrix, one of them and some columns outside,
/// come in one below the other, and go to other rows.
TEST_P(CopiesTest, TmaGathersAndScattersFourRows) {
  TestKernel kernel(loadKernel(R"(
  %t = call i64 @llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(ptr addrspace(3) @bar, i32 1024)
  call void @llvm.nvvm.cp.async.bulk.tensor.g2s.tile.gather4.2d(ptr addrspace(7) %cluster, ptr addrspace(3) @bar, ptr %map, i32 24, i32 5, i32 1, i32 90, i32 5, i16 0, i64 0, i1 false, i1 false, i32 0)
  %in = call i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3) @bar, i32 0)
  call void @llvm.nvvm.cp.async.bulk.tensor.s2g.tile.scatter4.2d(ptr addrspace(3) @s, ptr %map, i32 0, i32 7, i32 -1, i32 6, i32 0, i64 0, i1 false)
  call void @llvm.nvvm.cp.async.bulk.commit.group()
  call void @llvm.nvvm.cp.async.bulk.wait.group(i32 0))") +
                    R"(
declare void @llvm.nvvm.cp.async.bulk.tensor.g2s.tile.gather4.2d(ptr addrspace(7), ptr addrspace(3), ptr, i32, i32, i32, i32, i32, i16, i64, i1, i1, i32)
declare void @llvm.nvvm.cp.async.bulk.tensor.s2g.tile.scatter4.2d(ptr addrspace(3), ptr, i32, i32, i32, i32, i32, i64, i1)
declare void @llvm.nvvm.cp.async.bulk.commit.group()
declare void @llvm.nvvm.cp.async.bulk.wait.group(i32 immarg)
)");
  kernel.options.completion = GetParam();
  constexpr uint32_t rows = 9, columns = 80, width = 64;
  auto x = kernel.buffer<uint32_t>("x", rows * columns);
  for (uint32_t i = 0; i < x.size(); ++i)
    x[i] = i + 1;
  auto out = kernel.buffer<uint32_t>("out", 256);
  const uint64_t sizes[] = {columns, rows}, strides[] = {columns * 4};
  uint32_t box[] = {width, 1};
  auto launch = [&] {
    TensorMap map = llvm::cantFail(TensorMap::encode(
        {x.address(), 4, sizes, strides, box, Swizzle::None}));
    return kernel.launch({}, map, x.address(), out.address());
  };
  LaunchReport report = launch();
  EXPECT_TRUE(report.clean()) << report.text();
  auto before = [](uint32_t row, uint32_t column) {
    return row < rows && column < columns ? row * columns + column + 1 : 0;
  };
  const uint32_t from[] = {5, 1, 90, 5};
  for (uint32_t i = 0; i < 4; ++i)
    for (uint32_t column = 0; column < width; ++column)
      EXPECT_EQ(out[i * width + column], before(from[i], column + 24));
  for (auto [row, i] : {std::pair(7, 0), {6, 2}, {0, 3}})
    for (uint32_t column = 0; column < columns; ++column)
      EXPECT_EQ(x[row * columns + column],
                column < width ? out[i * width + column] : before(row, column));
  // A box of more than one row is no part of a row.
  box[1] = 2;
  EXPECT_TRUE(launch().has(FindingKind::Operand));
}

/// A range comes in and goes out again.
TEST_P(CopiesTest, BulkCopiesMoveRanges) {
  TestKernel kernel(loadKernel(R"(
  %t = call i64 @llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(ptr addrspace(3) @bar, i32 1024)
  %from = addrspacecast ptr %x to ptr addrspace(1)
  call void @llvm.nvvm.cp.async.bulk.global.to.shared.cluster(ptr addrspace(7) %cluster, ptr addrspace(3) @bar, ptr addrspace(1) %from, i32 1024, i16 0, i64 0, i1 false, i1 false)
  %in = call i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3) @bar, i32 0)
  %behind = getelementptr i8, ptr %x, i32 1024
  %back = addrspacecast ptr %behind to ptr addrspace(1)
  call void @llvm.nvvm.cp.async.bulk.shared.cta.to.global(ptr addrspace(1) %back, ptr addrspace(3) @s, i32 512, i64 0, i1 false)
  call void @llvm.nvvm.cp.async.bulk.commit.group()
  call void @llvm.nvvm.cp.async.bulk.wait.group(i32 0))") +
                    R"(
declare void @llvm.nvvm.cp.async.bulk.global.to.shared.cluster(ptr addrspace(7), ptr addrspace(3), ptr addrspace(1), i32, i16, i64, i1, i1)
declare void @llvm.nvvm.cp.async.bulk.shared.cta.to.global(ptr addrspace(1), ptr addrspace(3), i32, i64, i1)
declare void @llvm.nvvm.cp.async.bulk.commit.group()
declare void @llvm.nvvm.cp.async.bulk.wait.group(i32 immarg)
)");
  kernel.options.completion = GetParam();
  auto x = kernel.buffer<uint32_t>("x", 384);
  for (uint32_t i = 0; i < 256; ++i)
    x[i] = i * i;
  auto out = kernel.buffer<uint32_t>("out", 256);
  LaunchReport report = kernel.launch({}, mapOf(x.address(), Swizzle::None),
                                      x.address(), out.address());
  EXPECT_TRUE(report.clean()) << report.text();
  for (uint32_t i = 0; i < 256; ++i)
    EXPECT_EQ(out[i], i * i);
  for (uint32_t i = 0; i < 128; ++i)
    EXPECT_EQ(x[256 + i], i * i);
}

/// Block 1 lets block 0 go on by an arrival at its mbarrier.
TEST_P(CopiesTest, BlocksArriveAtEachOthersMbarriers) {
  TestKernel kernel(R"(
@bar = internal addrspace(3) global i64 undef, align 8
@s = internal addrspace(3) global i32 undef, align 4
declare i32 @llvm.nvvm.read.ptx.sreg.cluster.ctarank()
declare void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3), i32)
declare ptr addrspace(7) @llvm.nvvm.mapa.shared.cluster(ptr addrspace(3), i32)
declare i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cluster.space.cta(ptr addrspace(3), i32)
declare void @llvm.nvvm.barrier.cluster.arrive()
declare void @llvm.nvvm.barrier.cluster.wait()
define ptx_kernel void @k(ptr %out) {
  call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) @bar, i32 1)
  call void @llvm.nvvm.barrier.cluster.arrive()
  call void @llvm.nvvm.barrier.cluster.wait()
  %rank = call i32 @llvm.nvvm.read.ptx.sreg.cluster.ctarank()
  %isFirst = icmp eq i32 %rank, 0
  br i1 %isFirst, label %wait, label %send
send:
  %there = call ptr addrspace(7) @llvm.nvvm.mapa.shared.cluster(ptr addrspace(3) @s, i32 0)
  store i32 77, ptr addrspace(7) %there, align 4
  %remote = call ptr addrspace(7) @llvm.nvvm.mapa.shared.cluster(ptr addrspace(3) @bar, i32 0)
  call void asm sideeffect "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [$0];", "l"(ptr addrspace(7) %remote)
  br label %end
wait:
  %done = call i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cluster.space.cta(ptr addrspace(3) @bar, i32 0)
  %v = load i32, ptr addrspace(3) @s, align 4
  store i32 %v, ptr %out, align 4
  br label %end
end:
  call void @llvm.nvvm.barrier.cluster.arrive()
  call void @llvm.nvvm.barrier.cluster.wait()
  ret void
}
)");
  kernel.options.completion = GetParam();
  auto out = kernel.buffer<int32_t>("out", 1);
  LaunchReport report =
      kernel.launch({.grid = {2}, .cluster = {2}}, out.address());
  EXPECT_TRUE(report.clean()) << report.text();
  EXPECT_EQ(out[0], 77);
}

TEST(CopiesErrorsTest, TmaNeedsATensorMapOfItsRank) {
  TestKernel kernel(loadKernel(
      "call void @llvm.nvvm.cp.async.bulk.tensor.g2s.tile.3d(ptr addrspace(7) "
      "%cluster, ptr addrspace(3) @bar, ptr %x, i32 0, i32 0, i32 0, i16 0, "
      "i64 0, i1 false, i1 false, i32 0)"));
  auto x = makeTensor(kernel);
  auto out = kernel.buffer<uint32_t>("out", 256);
  LaunchReport report = kernel.launch({}, mapOf(x.address(), Swizzle::None),
                                      x.address(), out.address());
  EXPECT_TRUE(report.has(FindingKind::Operand)) << report.text();
  EXPECT_TRUE(report.has(FindingKind::Deadlock)) << report.text();
}

TEST(TensorMapTest, ChecksWhatTheDriverChecks) {
  alignas(16) static char data[64];
  const uint64_t sizes[] = {64, 4}, strides[] = {128}, odd[] = {130};
  const uint32_t box[] = {64, 4}, wide[] = {128, 4}, narrow[] = {4, 4};
  TensorMapLayout layout;
  layout.address = data;
  layout.elementBytes = 2;
  layout.sizes = sizes;
  layout.strides = strides;
  layout.box = box;
  layout.swizzle = Swizzle::B128;
  EXPECT_TRUE(bool(TensorMap::encode(layout)));
  auto errorOf = [](const TensorMapLayout &wrong) {
    return toString(TensorMap::encode(wrong).takeError());
  };
  TensorMapLayout wrong = layout;
  wrong.strides = odd;
  EXPECT_EQ(errorOf(wrong), "stride 1 of a tensor map is 130 bytes; multiples "
                            "of 16 below 2^40 are possible");
  wrong = layout;
  wrong.box = wide;
  EXPECT_EQ(errorOf(wrong), "a row of a tensor map's box has 256 bytes, more "
                            "than the 128 of its swizzle");
  wrong.box = narrow;
  EXPECT_EQ(errorOf(wrong), "a row of a tensor map's box has 8 bytes, which is "
                            "no multiple of 16");
  wrong = layout;
  wrong.address = data + 8;
  EXPECT_NE(errorOf(wrong).find("is not aligned to 16 bytes"),
            std::string::npos);
}

} // namespace

//===- SamplesTest.cpp - Right kernels, and seeded mistakes ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The samples are right in every completion mode and for several seeds. Each
// mutant has one mistake of the kind people make, put into a sample's text; the
// emulator has to say so by the finding that names the mistake.
//
//===----------------------------------------------------------------------===//

#include "SampleKernels.h"

#include <regex>

using namespace moec;
using namespace moec::emulator;

namespace {

constexpr Completion modes[] = {Completion::Eager, Completion::Lazy,
                                Completion::Random};

class SampleTest : public testing::TestWithParam<const char *> {};

TEST_P(SampleTest, IsRightInEveryMode) {
  TestKernel kernel(sampleText(GetParam()));
  for (Completion mode : modes)
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      kernel.options.completion = mode;
      kernel.options.seed = seed;
      SampleResult result = runSample(kernel, GetParam());
      EXPECT_TRUE(result.right) << "mode " << int(mode) << " seed " << seed;
      EXPECT_TRUE(result.report.clean()) << result.report.text();
    }
}

INSTANTIATE_TEST_SUITE_P(Samples, SampleTest,
                         testing::Values("gemm80", "gemm90", "reduce",
                                         "histogram", "cluster"));

TEST(SampleTest, CountsWhatTheKernelCosts) {
  TestKernel kernel(sampleText("gemm80"));
  Counters counters = runSample(kernel, "gemm80").report.counters;
  // 2 blocks, 4 warps, 10 steps of 16 in K, tiles of 2 x 4 instructions.
  EXPECT_EQ(counters.mma, 2u * 4 * 10 * 8);
  EXPECT_EQ(counters.tensorFlops, 2u * 128 * 64 * 160);
  EXPECT_EQ(counters.ldmatrix, 2u * 4 * 10 * 4);
  EXPECT_EQ(counters.cpAsync, 2u * 128 * 5 * 4);
  EXPECT_EQ(counters.sharedWavefronts, counters.sharedWavefrontsIdeal);
  EXPECT_EQ(counters.globalBytesWritten, 128u * 64 * 4);
}

TEST(SampleTest, EqualOptionsGiveEqualRuns) {
  uint64_t switches[2];
  for (uint64_t &count : switches) {
    TestKernel kernel(sampleText("gemm90"));
    kernel.options.completion = Completion::Random;
    kernel.options.seed = 5;
    count = runSample(kernel, "gemm90").report.counters.threadSwitches;
  }
  EXPECT_EQ(switches[0], switches[1]);
}

/// Without a swizzle on both sides results stay right; banks tell.
TEST(SampleTest, BankConflictsAreCounted) {
  std::string text = sampleText("gemm80");
  for (const char *line :
       {"%and.i49.i = xor i32 %shr.i.i, %0", "%xor.i = xor i32 %add47, %and.i",
        "%xor.i293 = xor i32 %add71, %and.i"}) {
    size_t at = text.find(line);
    ASSERT_NE(at, std::string::npos) << line;
    std::string plain = line;
    plain = plain.find("%0") != std::string::npos
                ? "%and.i49.i = or i32 %0, 0"
                : plain.substr(0, plain.find('=')) + "= or i32 " +
                      (plain.find("%add47") != std::string::npos ? "%add47"
                                                                 : "%add71") +
                      ", 0";
    text.replace(at, strlen(line), plain);
  }
  TestKernel kernel(text);
  SampleResult result = runSample(kernel, "gemm80");
  EXPECT_TRUE(result.right);
  EXPECT_GE(result.report.counters.sharedWavefronts,
            2 * result.report.counters.sharedWavefrontsIdeal);
}

struct Mutant {
  const char *name;
  const char *sample;
  /// A line of the sample is replaced: the first that holds `line`, or with a
  /// number in front ("2:...") a later one.
  const char *line;
  const char *with;
  /// What has to be found in at least one mode; none: wrong results.
  std::optional<FindingKind> finding;
};

void PrintTo(const Mutant &mutant, std::ostream *stream) {
  *stream << mutant.sample << ": " << mutant.name;
}

using enum FindingKind;
const char *const syncAll =
    "call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)";
const char *const tryWait = "mbarrier.try_wait";

const Mutant mutants[] = {
    // Pipelined product of sm_80.
    {"no barrier in the k loop", "gemm80", syncAll, "", InFlightWrite},
    {"wait_group off by one", "gemm80", "call void @llvm.nvvm.cp.async.wait",
     "call void @llvm.nvvm.cp.async.wait.group(i32 2)", InFlightWrite},
    {"no wait_group", "gemm80", "call void @llvm.nvvm.cp.async.wait", "",
     InFlightWrite},
    {"no commit_group in the loop", "gemm80",
     "3:call void @llvm.nvvm.cp.async.commit", "", InFlightWrite},
    {"copies go to the stage being read", "gemm80", "%rem26 = urem",
     "%rem26 = urem i32 %k.0318, 3", Race},
    {"two stages used where three are filled", "gemm80", "%rem26 = urem",
     "%rem26 = urem i32 %sub, 2", Race},
    {"copies stored without the swizzle", "gemm80", "%and.i49.i = xor",
     "%and.i49.i = or i32 %0, 0", std::nullopt},
    {"A read with the wrong swizzle", "gemm80", "%xor.i = xor",
     "%xor.i = or i32 %add47, 0", std::nullopt},
    {"B read with the wrong swizzle", "gemm80", "%xor.i293 = xor",
     "%xor.i293 = or i32 %add71, 0", std::nullopt},
    {"rows of A not aligned", "gemm80", "%add48 = add",
     "%a48 = add i32 %add30, %4\n  %add48 = add i32 %a48, 8", Misaligned},
    {"one step of K too many", "gemm80", "%div14 = sdiv",
     "%d14 = sdiv i32 %K, 32\n  %div14 = add i32 %d14, 1", OutOfBounds},
    {"all blocks store to the first tile", "gemm80", "%15 = shl",
     "%15 = shl nuw nsw i32 0, 6", GlobalOverlap},
    {"a stage beyond shared memory", "gemm80", "%add15.i264 = add",
     "%add15.i264 = add i32 %mul1.i251, add (i32 ptrtoint (ptr addrspace(3) "
     "@smem to i32), i32 12288)",
     OutOfBounds},
    {"fragments of A in the wrong order", "gemm80",
     "%asmresult5.i = extractvalue",
     "%asmresult5.i = extractvalue { i32, i32, i32, i32 } %20, 1",
     std::nullopt},

    // Warp-specialised product of sm_90a.
    {"producer without fence.proxy.async", "gemm90",
     "fence.proxy.async.shared::cta", "", MissingProxyFence},
    {"producer without __syncwarp", "gemm90", "bar.warp.sync", "", Race},
    {"producer does not wait for its copies", "gemm90", "cp.async.wait_group 0",
     "", InFlightWrite},
    {"producer does not wait for free stages", "gemm90", tryWait, "",
     InFlightRead},
    {"producer waits for the wrong phase", "gemm90", "%xor.i = xor i32 %rem4",
     "%xor.i = or i32 %rem4.i, 0", Deadlock},
    {"consumer does not wait for full stages", "gemm90", "2:mbarrier.try_wait",
     "", InFlightWrite},
    {"consumer waits for the wrong phase", "gemm90",
     "%rem19 = and i32 %div18, 1",
     "%r19 = and i32 %div18, 1\n  %rem19 = xor i32 %r19, 1", InFlightWrite},
    {"full barrier counts one too many", "gemm90", "mbarrier.init",
     "call void asm sideeffect \"mbarrier.init.shared.b64 [$0], $1;\", "
     "\"r,r,~{memory}\"(i32 add (i32 ptrtoint (ptr addrspace(3) @smem to i32), "
     "i32 57344), i32 3)",
     Deadlock},
    {"full barrier counts one too few", "gemm90", "mbarrier.init",
     "call void asm sideeffect \"mbarrier.init.shared.b64 [$0], $1;\", "
     "\"r,r,~{memory}\"(i32 add (i32 ptrtoint (ptr addrspace(3) @smem to i32), "
     "i32 57344), i32 1)",
     Deadlock},
    {"empty barrier counts one too many", "gemm90", "2:mbarrier.init",
     "call void asm sideeffect \"mbarrier.init.shared.b64 [$0], $1;\", "
     "\"r,r,~{memory}\"(i32 add (i32 ptrtoint (ptr addrspace(3) @smem to i32), "
     "i32 57408), i32 5)",
     Deadlock},
    {"empty barrier counts one warp only", "gemm90", "2:mbarrier.init",
     "call void asm sideeffect \"mbarrier.init.shared.b64 [$0], $1;\", "
     "\"r,r,~{memory}\"(i32 add (i32 ptrtoint (ptr addrspace(3) @smem to i32), "
     "i32 57408), i32 1)",
     Race},
    {"expect_tx of half the bytes", "gemm90", "mbarrier.arrive.expect_tx",
     "call void asm sideeffect \"mbarrier.arrive.expect_tx.shared.b64 _, [$0], "
     "$1;\", \"r,r,~{memory}\"(i32 %add7.i, i32 4096)",
     Deadlock},
    {"expect_tx of twice the bytes", "gemm90", "mbarrier.arrive.expect_tx",
     "call void asm sideeffect \"mbarrier.arrive.expect_tx.shared.b64 _, [$0], "
     "$1;\", \"r,r,~{memory}\"(i32 %add7.i, i32 16384)",
     Deadlock},
    {"barriers used before they are there", "gemm90", syncAll, "", Barrier},
    {"gathered rows stored without the swizzle", "gemm90", "%rem1965.i = xor",
     "%rem1965.i = or i32 %0, 0", std::nullopt},
    {"descriptor with half the stride", "gemm90",
     "%or2.i = or disjoint i64 %or.i",
     "%or2.i = or disjoint i64 %or.i, 4611686155866406912", std::nullopt},
    {"descriptor with another swizzle", "gemm90",
     "%or2.i133 = or disjoint i64 %or.i132",
     "%or2.i133 = or disjoint i64 %or.i132, -9223371761976803328",
     std::nullopt},
    {"descriptor that differs between lanes", "gemm90",
     "%add28 = add nuw nsw i32 %mul24",
     "%lane16 = and i32 %0, 16\n  %a28 = add nuw nsw i32 %mul24, %add26\n"
     "  %add28 = add i32 %a28, %lane16",
     Operand},
    {"no wgmma.fence", "gemm90", "wgmma.fence", "", Operand},
    {"stage released before wgmma.wait_group", "gemm90", "wgmma.wait_group", "",
     InFlightRead},
    {"TMA box of another column", "gemm90", "%mul8.i = shl nsw",
     "%mul8.i = shl nsw i32 %k.068.i, 5", std::nullopt},
    {"TMA destination not aligned", "gemm90", "%add.i = add i32 %mul.i,",
     "%add.i = add i32 %mul.i, add (i32 ptrtoint (ptr addrspace(3) @smem to "
     "i32), i32 64)",
     Misaligned},
    {"registers set to no multiple of 8", "gemm90", "setmaxnreg.inc",
     "call void asm sideeffect \"setmaxnreg.inc.sync.aligned.u32 230;\", "
     "\"\"()",
     Operand},
    {"no barrier before the tile goes out", "gemm90", "bar.sync 1, 128", "",
     Race},
    {"barrier of the wrong number of threads", "gemm90", "bar.sync 1, 128",
     "call void asm sideeffect \"bar.sync 1, 160;\", \"~{memory}\"()",
     Deadlock},
    {"no proxy fence before the tile goes out", "gemm90",
     "2:fence.proxy.async.shared::cta", "", MissingProxyFence},
    {"tile stored without the swizzle", "gemm90", "%xor = xor i32 %add50",
     "%xor = or i32 %add50, 0", std::nullopt},

    // Sums.
    {"no barrier between the warps' sums and their sum", "reduce", syncAll, "",
     Uninitialized},
    {"input not masked", "reduce", "%cmp = icmp ult i32 %add, %n",
     "%cmp = icmp eq i32 0, 0", OutOfBounds},
    {"all threads read the partial sums", "reduce",
     "%cmp8 = icmp samesign ult i32 %0, 4", "%cmp8 = icmp eq i32 0, 0",
     OutOfBounds},
    {"shuffle by lanes that are not in its mask", "reduce",
     "@llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %add21",
     "%10 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 3, float %add21, i32 "
     "1, i32 31)",
     Operand},
    {"shuffle with the wrong distance", "reduce",
     "@llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %add21",
     "%10 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %add21, i32 "
     "2, i32 31)",
     std::nullopt},
    {"shuffle in a branch of some lanes", "reduce",
     "%cmp6 = icmp samesign ult i32 %0, 32", "%cmp6 = icmp ult i32 %0, 20",
     Divergence},
    {"every lane stores the warp's sum", "reduce", "%cmp2 = icmp eq i32 %rem",
     "%cmp2 = icmp ult i32 %rem, 2", Race},

    // Histogram.
    {"counts not set to zero", "histogram", "store i32 0, ptr addrspace(3)", "",
     Uninitialized},
    {"counting before all counts are zero", "histogram", syncAll, "", Race},
    {"counts read before all have counted", "histogram",
     "2:call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)", "", Race},
    {"counting without atomics", "histogram", "atomicrmw",
     "%old = load i32, ptr %HERE, align 4\n  %new = add i32 %old, 1\n"
     "  store i32 %new, ptr %HERE, align 4",
     Race},

    // Cluster.
    {"other block's shared memory read too early", "cluster",
     "2:call void @llvm.nvvm.barrier.cluster.wait", "", Uninitialized},
    {"a block writes to itself", "cluster", "%xor = xor i32 %1, 1",
     "%xor = or i32 %1, 0", std::nullopt},
    {"a block that the cluster lacks", "cluster", "%xor = xor i32 %1, 1",
     "%xor = xor i32 %1, 2", Operand},
};

/// `text` with one line replaced.
std::string mutate(std::string text, const Mutant &mutant) {
  llvm::StringRef pattern = mutant.line;
  unsigned occurrence = 1;
  auto [number, rest] = pattern.split(':');
  if (!number.getAsInteger(10, occurrence))
    pattern = rest;
  size_t at = 0;
  for (unsigned i = 0; i < occurrence; ++i) {
    at = text.find(pattern.str(), i ? at + 1 : 0);
    if (at == std::string::npos) {
      ADD_FAILURE() << mutant.name << ": no line with " << pattern.str();
      return text;
    }
  }
  size_t start = text.rfind('\n', at) + 1, end = text.find('\n', at);
  std::string line = text.substr(start, end - start), with = mutant.with;
  // HERE is the address operand of the line.
  std::smatch address;
  if (std::regex_search(line, address, std::regex("ptr %([0-9a-z.]+)")))
    with = std::regex_replace(with, std::regex("HERE"), address[1].str());
  return text.replace(start, end - start, "  " + with);
}

class MutantTest : public testing::TestWithParam<Mutant> {};

TEST_P(MutantTest, IsCaught) {
  const Mutant &mutant = GetParam();
  TestKernel kernel(mutate(sampleText(mutant.sample), mutant));
  kernel.options.maxIdleIterations = 1 << 20;
  bool found = false;
  std::string reports;
  for (Completion mode : modes)
    for (uint64_t seed = 1; seed <= 3 && !found; ++seed) {
      kernel.options.completion = mode;
      kernel.options.seed = seed;
      SampleResult result = runSample(kernel, mutant.sample);
      found =
          mutant.finding ? result.report.has(*mutant.finding) : !result.right;
      reports += result.report.text();
    }
  EXPECT_TRUE(found) << mutant.name << "\n" << reports;
}

INSTANTIATE_TEST_SUITE_P(Seeded, MutantTest, testing::ValuesIn(mutants),
                         [](const auto &info) {
                           std::string name = info.param.name;
                           for (char &c : name)
                             if (!isalnum(c))
                               c = '_';
                           return std::string(info.param.sample) + "_" + name;
                         });

} // namespace

//===- CpuFeaturesTest.cpp - what this CPU can execute --------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table against what the kernel says about this machine.
//
//===----------------------------------------------------------------------===//

#include "moec/Runtime/CpuFeatures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace moec {

TEST(CpuFeaturesTest, unknownNamesAreNeverPresent) {
  for (const char *name : {"", "avx-512f", "AVX2", "fast-gather", "amx-tile"}) {
    EXPECT_FALSE(isKnownCpuFeature(hostArchitecture(), name)) << name;
    EXPECT_FALSE(hostHasCpuFeature(name)) << name;
  }
}

TEST(CpuFeaturesTest, everyArchitectureHasItsOwn) {
  EXPECT_TRUE(isKnownCpuFeature("aarch64", "dotprod"));
  EXPECT_FALSE(isKnownCpuFeature("x86_64", "dotprod"));
  EXPECT_TRUE(isKnownCpuFeature("x86_64", "avx2"));
  EXPECT_FALSE(isKnownCpuFeature("aarch64", "avx2"));
  EXPECT_FALSE(isKnownCpuFeature("riscv64", "v"));
}

TEST(CpuFeaturesTest, hostFeaturesAreKnownSortedAndPresent) {
  std::vector<std::string> features = hostCpuFeatures();
  EXPECT_FALSE(features.empty());
  EXPECT_TRUE(std::is_sorted(features.begin(), features.end()));
  for (const std::string &name : features) {
    EXPECT_TRUE(isKnownCpuFeature(hostArchitecture(), name)) << name;
    EXPECT_TRUE(hostHasCpuFeature(name)) << name;
  }
}

#if defined(__x86_64__)
/// The kernel's spelling of those features that vector code is compiled for.
static const std::map<std::string, std::string> kKernelNames = {
    {"sse4.1", "sse4_1"},
    {"sse4.2", "sse4_2"},
    {"ssse3", "ssse3"},
    {"popcnt", "popcnt"},
    {"cx16", "cx16"},
    {"movbe", "movbe"},
    {"avx", "avx"},
    {"avx2", "avx2"},
    {"f16c", "f16c"},
    {"fma", "fma"},
    {"bmi", "bmi1"},
    {"bmi2", "bmi2"},
    {"lzcnt", "abm"},
    {"sahf", "lahf_lm"},
    {"avx512f", "avx512f"},
    {"avx512bw", "avx512bw"},
    {"avx512cd", "avx512cd"},
    {"avx512dq", "avx512dq"},
    {"avx512vl", "avx512vl"},
    {"avx512vnni", "avx512_vnni"},
    {"avx512bf16", "avx512_bf16"},
    {"avx512fp16", "avx512_fp16"},
    {"avx512vbmi", "avx512vbmi"},
    {"avx512vbmi2", "avx512_vbmi2"},
    {"avx512ifma", "avx512ifma"},
    {"avx512bitalg", "avx512_bitalg"},
    {"avx512vpopcntdq", "avx512_vpopcntdq"},
    {"avxvnni", "avx_vnni"},
    {"gfni", "gfni"},
    {"vaes", "vaes"},
    {"vpclmulqdq", "vpclmulqdq"},
    {"sse4a", "sse4a"},
    {"adx", "adx"},
    {"clwb", "clwb"},
    {"xsavec", "xsavec"}};

TEST(CpuFeaturesTest, agreesWithTheKernel) {
  std::ifstream stream("/proc/cpuinfo");
  std::string line;
  while (std::getline(stream, line) && line.rfind("flags", 0) != 0) {
  }
  if (line.empty())
    GTEST_SKIP() << "/proc/cpuinfo lists no flags";
  std::istringstream words(line);
  std::set<std::string> flags(std::istream_iterator<std::string>(words), {});
  for (const auto &[name, kernelName] : kKernelNames)
    EXPECT_EQ(hostHasCpuFeature(name), flags.count(kernelName) != 0) << name;
}
#endif

} // namespace moec

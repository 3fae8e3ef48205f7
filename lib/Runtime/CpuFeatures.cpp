//===- CpuFeatures.cpp - what this CPU can execute ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One table per architecture, from LLVM's feature names to the bit that tells.
// Sources: Intel's and AMD's manuals on CPUID, and llvm/TargetParser/Host.cpp
// for which name goes with which bit. Advanced matrix extensions are not in the
// table: their registers must be requested from the kernel first.
//
//===----------------------------------------------------------------------===//

#include "moec/Runtime/CpuFeatures.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#else
#error "CpuFeatures.cpp has no feature table for this architecture"
#endif

namespace moec {

//===----------------------------------------------------------------------===//
// The tables
//===----------------------------------------------------------------------===//

namespace {
enum Register : uint8_t { EAX, EBX, ECX, EDX };

/// The register state an instruction set extension adds, as bits of XCR0.
enum State : uint32_t { None = 0, Avx = 0x6, Avx512 = 0xe6 };

struct X86Feature {
  std::string_view name;
  uint32_t leaf, subleaf;
  Register reg;
  uint8_t bit;
  State state;
};

/// Bits of AT_HWCAP, or of AT_HWCAP2 where `second` is set, as in asm/hwcap.h.
struct ArmFeature {
  std::string_view name;
  uint8_t bit;
  bool second;
};
} // namespace

static constexpr X86Feature kX86Features[] = {
    // clang-format off
    {"sse3", 1, 0, ECX, 0, None},
    {"pclmul", 1, 0, ECX, 1, None},
    {"ssse3", 1, 0, ECX, 9, None},
    {"fma", 1, 0, ECX, 12, Avx},
    {"cx16", 1, 0, ECX, 13, None},
    {"sse4.1", 1, 0, ECX, 19, None},
    {"sse4.2", 1, 0, ECX, 20, None},
    {"crc32", 1, 0, ECX, 20, None},
    {"movbe", 1, 0, ECX, 22, None},
    {"popcnt", 1, 0, ECX, 23, None},
    {"aes", 1, 0, ECX, 25, None},
    {"xsave", 1, 0, ECX, 27, None},
    {"avx", 1, 0, ECX, 28, Avx},
    {"f16c", 1, 0, ECX, 29, Avx},
    {"rdrnd", 1, 0, ECX, 30, None},
    {"x87", 1, 0, EDX, 0, None},
    {"cx8", 1, 0, EDX, 8, None},
    {"cmov", 1, 0, EDX, 15, None},
    {"mmx", 1, 0, EDX, 23, None},
    {"fxsr", 1, 0, EDX, 24, None},
    {"sse", 1, 0, EDX, 25, None},
    {"sse2", 1, 0, EDX, 26, None},
    {"fsgsbase", 7, 0, EBX, 0, None},
    {"bmi", 7, 0, EBX, 3, None},
    {"avx2", 7, 0, EBX, 5, Avx},
    {"bmi2", 7, 0, EBX, 8, None},
    {"invpcid", 7, 0, EBX, 10, None},
    {"rtm", 7, 0, EBX, 11, None},
    {"avx512f", 7, 0, EBX, 16, Avx512},
    {"avx512dq", 7, 0, EBX, 17, Avx512},
    {"rdseed", 7, 0, EBX, 18, None},
    {"adx", 7, 0, EBX, 19, None},
    {"avx512ifma", 7, 0, EBX, 21, Avx512},
    {"clflushopt", 7, 0, EBX, 23, None},
    {"clwb", 7, 0, EBX, 24, None},
    {"avx512cd", 7, 0, EBX, 28, Avx512},
    {"sha", 7, 0, EBX, 29, None},
    {"avx512bw", 7, 0, EBX, 30, Avx512},
    {"avx512vl", 7, 0, EBX, 31, Avx512},
    {"avx512vbmi", 7, 0, ECX, 1, Avx512},
    {"pku", 7, 0, ECX, 4, None},
    {"waitpkg", 7, 0, ECX, 5, None},
    {"avx512vbmi2", 7, 0, ECX, 6, Avx512},
    {"shstk", 7, 0, ECX, 7, None},
    {"gfni", 7, 0, ECX, 8, None},
    {"vaes", 7, 0, ECX, 9, Avx},
    {"vpclmulqdq", 7, 0, ECX, 10, Avx},
    {"avx512vnni", 7, 0, ECX, 11, Avx512},
    {"avx512bitalg", 7, 0, ECX, 12, Avx512},
    {"avx512vpopcntdq", 7, 0, ECX, 14, Avx512},
    {"rdpid", 7, 0, ECX, 22, None},
    {"cldemote", 7, 0, ECX, 25, None},
    {"movdiri", 7, 0, ECX, 27, None},
    {"movdir64b", 7, 0, ECX, 28, None},
    {"enqcmd", 7, 0, ECX, 29, None},
    {"uintr", 7, 0, EDX, 5, None},
    {"avx512vp2intersect", 7, 0, EDX, 8, Avx512},
    {"serialize", 7, 0, EDX, 14, None},
    {"tsxldtrk", 7, 0, EDX, 16, None},
    {"pconfig", 7, 0, EDX, 18, None},
    {"avx512fp16", 7, 0, EDX, 23, Avx512},
    {"sha512", 7, 1, EAX, 0, Avx},
    {"sm3", 7, 1, EAX, 1, Avx},
    {"sm4", 7, 1, EAX, 2, Avx},
    {"avxvnni", 7, 1, EAX, 4, Avx},
    {"avx512bf16", 7, 1, EAX, 5, Avx512},
    {"cmpccxadd", 7, 1, EAX, 7, None},
    {"hreset", 7, 1, EAX, 22, None},
    {"avxifma", 7, 1, EAX, 23, Avx},
    {"avxvnniint8", 7, 1, EDX, 4, Avx},
    {"avxneconvert", 7, 1, EDX, 5, Avx},
    {"avxvnniint16", 7, 1, EDX, 10, Avx},
    {"prefetchi", 7, 1, EDX, 14, None},
    {"xsaveopt", 0xd, 1, EAX, 0, None},
    {"xsavec", 0xd, 1, EAX, 1, None},
    {"xsaves", 0xd, 1, EAX, 3, None},
    {"sahf", 0x80000001, 0, ECX, 0, None},
    {"lzcnt", 0x80000001, 0, ECX, 5, None},
    {"sse4a", 0x80000001, 0, ECX, 6, None},
    {"prfchw", 0x80000001, 0, ECX, 8, None},
    {"xop", 0x80000001, 0, ECX, 11, Avx},
    {"lwp", 0x80000001, 0, ECX, 15, None},
    {"fma4", 0x80000001, 0, ECX, 16, Avx},
    {"tbm", 0x80000001, 0, ECX, 21, None},
    {"mwaitx", 0x80000001, 0, ECX, 29, None},
    {"64bit", 0x80000001, 0, EDX, 29, None},
    {"clzero", 0x80000008, 0, EBX, 0, None},
    {"rdpru", 0x80000008, 0, EBX, 4, None},
    {"wbnoinvd", 0x80000008, 0, EBX, 9, None},
    // clang-format on
};

static constexpr ArmFeature kArmFeatures[] = {
    {"fp-armv8", 0, false},   {"neon", 1, false},     {"aes", 3, false},
    {"sha2", 6, false},       {"crc", 7, false},      {"lse", 8, false},
    {"fullfp16", 10, false},  {"rdm", 12, false},     {"jsconv", 13, false},
    {"complxnum", 14, false}, {"rcpc", 15, false},    {"sha3", 17, false},
    {"sm4", 19, false},       {"dotprod", 20, false}, {"sve", 22, false},
    {"fp16fml", 23, false},   {"sve2", 1, true},      {"i8mm", 13, true},
    {"bf16", 14, true},       {"sme", 23, true},
};

//===----------------------------------------------------------------------===//
// This machine
//===----------------------------------------------------------------------===//

#if defined(__x86_64__)

static constexpr auto &kHostFeatures = kX86Features;

/// XCR0, the register state the operating system saves; 0 where it cannot be
/// read.
static uint64_t savedState() {
  uint32_t eax, ebx, ecx, edx;
  constexpr uint32_t osxsave = 1u << 27;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & osxsave))
    return 0;
  asm volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  return uint64_t(edx) << 32 | eax;
}

static bool isPresent(const X86Feature &feature) {
  uint32_t regs[4];
  // This refuses leaves the CPU does not have; of leaf 7 also its subleaves.
  if (!__get_cpuid_count(feature.leaf, feature.subleaf, &regs[EAX], &regs[EBX],
                         &regs[ECX], &regs[EDX]))
    return false;
  if (feature.leaf == 7 && feature.subleaf > 0) {
    uint32_t highest, ebx, ecx, edx;
    if (!__get_cpuid_count(7, 0, &highest, &ebx, &ecx, &edx) ||
        feature.subleaf > highest)
      return false;
  }
  return (regs[feature.reg] >> feature.bit & 1) &&
         (savedState() & feature.state) == feature.state;
}

std::string_view hostArchitecture() { return "x86_64"; }

#else

static constexpr auto &kHostFeatures = kArmFeatures;

static bool isPresent(const ArmFeature &feature) {
  unsigned long bits = getauxval(feature.second ? AT_HWCAP2 : AT_HWCAP);
  return bits >> feature.bit & 1;
}

std::string_view hostArchitecture() { return "aarch64"; }

#endif

/// The feature of that name in a table; null if it is not there.
template <typename Feature, size_t count>
static const Feature *findFeature(const Feature (&features)[count],
                                  std::string_view name) {
  const Feature *found = std::find_if(
      std::begin(features), std::end(features),
      [&](const Feature &feature) { return feature.name == name; });
  return found == std::end(features) ? nullptr : found;
}

bool isKnownCpuFeature(std::string_view architecture, std::string_view name) {
  return architecture == "x86_64" ? findFeature(kX86Features, name) != nullptr
         : architecture == "aarch64"
             ? findFeature(kArmFeatures, name) != nullptr
             : false;
}

bool hostHasCpuFeature(std::string_view name) {
  const auto *feature = findFeature(kHostFeatures, name);
  return feature && isPresent(*feature);
}

std::vector<std::string> hostCpuFeatures() {
  std::vector<std::string> names;
  for (const auto &feature : kHostFeatures)
    if (isPresent(feature))
      names.emplace_back(feature.name);
  std::sort(names.begin(), names.end());
  return names;
}

} // namespace moec

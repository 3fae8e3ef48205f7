//===- TargetCpu.cpp - Which CPU code is compiled for ---------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CPU names and features, as LLVM has them.
//
//===----------------------------------------------------------------------===//

#include "moec/Target/TargetCpu.h"
#include "moec/Runtime/CpuFeatures.h"
#include "moec/Support/Error.h"

#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"

#include <algorithm>
#include <mutex>
#include <unistd.h>

using namespace llvm;

namespace moec {

static Expected<const llvm::Target *> hostTarget(const std::string &triple) {
  static std::once_flag once;
  std::call_once(once, [] {
    InitializeNativeTarget();
    InitializeNativeTargetAsmPrinter();
    InitializeNativeTargetAsmParser();
  });
  std::string error;
  const llvm::Target *target =
      TargetRegistry::lookupTarget(Triple(triple), error);
  if (!target)
    return inputError("LLVM has no back end for {}: {}", triple, error);
  return target;
}

/// The CPU names close to `name`, for a message.
static std::string closeNames(const MCSubtargetInfo &info, StringRef name) {
  std::vector<std::pair<unsigned, std::string>> ranked;
  for (const SubtargetSubTypeKV &cpu : info.getAllProcessorDescriptions())
    ranked.emplace_back(name.edit_distance(cpu.Key), cpu.Key);
  std::sort(ranked.begin(), ranked.end());
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(3, ranked.size()); ++i)
    text += (i ? ", " : "") + ranked[i].second;
  return text;
}

static std::string hostFeatures() {
  SubtargetFeatures features;
  for (const auto &feature : sys::getHostCPUFeatures())
    features.AddFeature(feature.first(), feature.second);
  return features.getString();
}

/// What is known of the caches and rates of a kind of CPU. Rates are shares of
/// a core while all are reading; those of the first are measured
/// (docs/cpu.md), the others its figures scaled by the makers' data.
static void describeMachine(CpuTarget &target) {
  struct Known {
    StringLiteral cpu;
    int64_t l2KiB;
    double multiplies, latency, read, fetch, l3;
  };
  static constexpr Known table[] = {{"znver4", 1024, 1, 6, 6, 4.6, 10},
                                    {"znver5", 1024, 2, 6, 6, 4.6, 16},
                                    {"znver3", 512, 2, 4, 6, 4.6, 10},
                                    {"znver2", 512, 2, 5, 6, 4.6, 10},
                                    {"sapphirerapids", 2048, 2, 4, 4, 3, 6},
                                    {"graniterapids", 2048, 2, 4, 4, 3, 6},
                                    {"icelake-server", 1280, 2, 4, 4, 3, 6},
                                    {"skylake-avx512", 1024, 2, 4, 4, 3, 6},
                                    {"neoverse-v1", 1024, 2, 4, 6, 4.6, 10},
                                    {"neoverse-v2", 1024, 4, 4, 6, 4.6, 10}};
  for (const Known &known : table)
    if (known.cpu == target.cpu) {
      target.l2Bytes = known.l2KiB * 1024;
      target.multipliesPerCycle = known.multiplies;
      target.multiplyLatency = known.latency;
      target.readRate = known.read;
      target.fetchRate = known.fetch;
      target.l3Rate = known.l3;
    }
}

Expected<CpuTarget> resolveCpu(StringRef cpu) {
  CpuTarget target;
  target.triple = sys::getDefaultTargetTriple();
  Expected<const llvm::Target *> backEnd = hostTarget(target.triple);
  if (!backEnd)
    return backEnd.takeError();
  target.cpu = cpu == "native" ? sys::getHostCPUName().str() : cpu.str();
  if (cpu == "native")
    target.features = hostFeatures();
  std::unique_ptr<MCSubtargetInfo> info((*backEnd)->createMCSubtargetInfo(
      Triple(target.triple), "", target.features));
  if (!info->isCPUStringValid(target.cpu))
    return inputError("--mcpu={}: LLVM does not know this CPU for {}; close "
                      "names are {}",
                      cpu, target.triple, closeNames(*info, cpu));
  info.reset((*backEnd)->createMCSubtargetInfo(Triple(target.triple),
                                               target.cpu, target.features));
  auto has = [&](StringRef feature) {
    return info->checkFeatures(("+" + feature).str());
  };
  if (Triple(target.triple).isX86()) {
    bool wide =
        has("avx512f") && has("avx512bw") && has("avx512vl") && has("avx512dq");
    if (!has("avx2") || !has("fma") || !has("f16c"))
      return inputError("--mcpu={}: moec needs AVX2, FMA and F16C, which {} "
                        "lacks; x86-64-v3 is the least CPU that has them",
                        cpu, target.cpu);
    target.lanes = wide ? 16 : 8;
    target.registers = wide ? 32 : 16;
    target.bf16Dot = wide && has("avx512bf16");
    target.int8Dot = has(wide ? "avx512vnni" : "avxvnni");
  } else {
    target.lanes = 4;
    target.registers = 32;
  }
  describeMachine(target);
  if (long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE); cpu == "native" && bytes > 0)
    target.l2Bytes = bytes;
  return target;
}

Expected<std::unique_ptr<TargetMachine>>
createTargetMachine(const CpuTarget &target) {
  Expected<const llvm::Target *> backEnd = hostTarget(target.triple);
  if (!backEnd)
    return backEnd.takeError();
  std::unique_ptr<TargetMachine> machine((*backEnd)->createTargetMachine(
      Triple(target.triple), target.cpu, target.features, TargetOptions(),
      Reloc::PIC_, std::nullopt, CodeGenOptLevel::Aggressive));
  if (!machine)
    return inputError("LLVM cannot generate code for {}", target.triple);
  return machine;
}

/// Whether generated code could use the feature: arithmetic on numbers and
/// bits. A CPU without the others (random numbers, encryption, cache control)
/// runs the code as well.
static bool isComputeFeature(StringRef feature) {
  static constexpr StringLiteral prefixes[] = {
      "avx", "sse",  "ssse3", "fma",  "f16c",    "bmi",  "lzcnt", "popcnt",
      "amx", "gfni", "neon",  "fp16", "dotprod", "bf16", "i8mm",  "sve"};
  return llvm::any_of(
      prefixes, [&](StringRef prefix) { return feature.starts_with(prefix); });
}

std::vector<std::string> requiredFeatures(const CpuTarget &target) {
  std::vector<std::string> required;
  Expected<const llvm::Target *> backEnd = hostTarget(target.triple);
  if (!backEnd) {
    consumeError(backEnd.takeError());
    return required;
  }
  std::unique_ptr<MCSubtargetInfo> info((*backEnd)->createMCSubtargetInfo(
      Triple(target.triple), target.cpu, target.features));
  for (const SubtargetFeatureKV &feature : info->getAllProcessorFeatures())
    if (info->hasFeature(feature.Value) && isComputeFeature(feature.Key) &&
        isKnownCpuFeature(feature.Key))
      required.push_back(feature.Key);
  std::sort(required.begin(), required.end());
  return required;
}

} // namespace moec

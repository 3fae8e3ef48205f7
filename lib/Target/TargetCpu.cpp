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

namespace {

/// An architecture the back end has kernels for.
struct Supported {
  Triple::ArchType type;
  Architecture architecture;
  /// The first part of its triples, and the least of its CPUs with vectors.
  StringLiteral name, baseline;
};

} // namespace

static constexpr Supported supported[] = {
    {Triple::x86_64, Architecture::X86_64, "x86_64", "x86-64-v3"},
    {Triple::aarch64, Architecture::AArch64, "aarch64", "generic"}};

static Expected<Supported> findArchitecture(const Triple &triple) {
  for (const Supported &candidate : supported)
    if (candidate.type == triple.getArch())
      return candidate;
  return inputError("moec has no kernels for {}; it has kernels for x86_64 and "
                    "aarch64",
                    triple.str());
}

static Expected<const llvm::Target *> backEndOf(const std::string &triple) {
  static std::once_flag once;
  std::call_once(once, [] {
    InitializeAllTargetInfos();
    InitializeAllTargets();
    InitializeAllTargetMCs();
    InitializeAllAsmPrinters();
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

/// What code does not use though a CPU has it. LLVM shifts bytes by gfni, whose
/// instructions run where those that multiply do: with four-bit weights on Zen
/// 4 one in twelve of these gives way. Shifts of words and a mask run beside
/// them.
static constexpr char unusedFeature[] = "gfni";

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
    int64_t window;
  };
  static constexpr Known table[] = {
      {"znver4", 1024, 1, 6, 6, 5.6, 10, 320},
      {"znver5", 1024, 2, 6, 6, 5.6, 16, 448},
      {"znver3", 512, 2, 4, 6, 5.6, 10, 256},
      {"znver2", 512, 2, 5, 6, 5.6, 10, 224},
      {"sapphirerapids", 2048, 2, 4, 4, 3, 6, 512},
      {"graniterapids", 2048, 2, 4, 4, 3, 6, 512},
      {"icelake-server", 1280, 2, 4, 4, 3, 6, 352},
      {"skylake-avx512", 1024, 2, 4, 4, 3, 6, 224},
      {"neoverse-n1", 1024, 2, 4, 6, 5.6, 10, 128},
      {"neoverse-v1", 1024, 2, 4, 6, 5.6, 10, 256},
      {"neoverse-v2", 1024, 4, 4, 6, 5.6, 10, 320}};
  for (const Known &known : table)
    if (known.cpu == target.cpu) {
      target.l2Bytes = known.l2KiB * 1024;
      target.multipliesPerCycle = known.multiplies;
      target.multiplyLatency = known.latency;
      target.readRate = known.read;
      target.fetchRate = known.fetch;
      target.l3Rate = known.l3;
      target.reorderWindow = known.window;
    }
}

/// Fills in what the instruction set decides. Fails on a CPU that lacks what
/// every kernel needs.
static Error describeVectors(CpuTarget &target, const MCSubtargetInfo &info) {
  auto has = [&](StringRef feature) {
    return info.checkFeatures(("+" + feature).str());
  };
  if (target.architecture == Architecture::AArch64) {
    if (!has("neon"))
      return inputError("--mcpu={}: moec needs NEON, which it lacks",
                        target.name);
    target.lanes = 4;
    target.registers = 32;
    target.bf16Dot = has("bf16");
    target.int8Dot = has("dotprod");
    return Error::success();
  }
  bool wide =
      has("avx512f") && has("avx512bw") && has("avx512vl") && has("avx512dq");
  if (!has("avx2") || !has("fma") || !has("f16c"))
    return inputError("--mcpu={}: moec needs AVX2, FMA and F16C, which {} "
                      "lacks; x86-64-v3 is the least CPU that has them",
                      target.name, target.cpu);
  target.lanes = wide ? 16 : 8;
  target.registers = wide ? 32 : 16;
  target.bf16Dot = wide && has("avx512bf16");
  target.int8Dot = has(wide ? "avx512vnni" : "avxvnni");
  return Error::success();
}

/// Takes `name` apart: a CPU, and features added to it or taken away,
/// "generic+dotprod+nosve".
static Error parseName(StringRef name, CpuTarget &target,
                       const MCSubtargetInfo &info) {
  SmallVector<StringRef> parts;
  name.split(parts, '+');
  target.name = name.str();
  target.cpu = parts[0].str();
  if (!info.isCPUStringValid(target.cpu))
    return inputError("--mcpu={}: LLVM does not know this CPU for {}; close "
                      "names are {}",
                      name, target.triple, closeNames(info, parts[0]));
  SubtargetFeatures features;
  auto isKnown = [&](StringRef feature) {
    return any_of(info.getAllProcessorFeatures(),
                  [&](const auto &known) { return known.Key == feature; });
  };
  for (StringRef part : ArrayRef(parts).drop_front()) {
    bool adds = isKnown(part) || !part.consume_front("no");
    if (!isKnown(part))
      return inputError("--mcpu={}: LLVM does not know the feature '{}' for {}",
                        name, part, target.triple);
    features.AddFeature(part, adds);
  }
  target.features = features.getString();
  return Error::success();
}

Expected<std::string> cpuTriple(StringRef architecture) {
  std::string host = sys::getDefaultTargetTriple();
  if (architecture.empty() || Triple(host).getArchName() == architecture)
    return host;
  for (const Supported &candidate : supported)
    if (candidate.name == architecture)
      return (architecture + "-unknown-linux-gnu").str();
  return inputError("there are no kernels for '{}'; the architectures are "
                    "x86_64 and aarch64",
                    architecture);
}

Expected<CpuTarget> resolveCpu(StringRef cpu, StringRef triple) {
  std::string host = sys::getDefaultTargetTriple();
  CpuTarget target;
  target.triple = triple.empty() ? host : triple.str();
  Expected<Supported> found = findArchitecture(Triple(target.triple));
  if (!found)
    return found.takeError();
  target.architecture = found->architecture;
  bool isHost = found->type == Triple(host).getArch();
  if (cpu.empty())
    cpu = isHost ? StringRef("native") : found->baseline;
  bool isNative = cpu == "native";
  if (isNative && !isHost)
    return inputError("--mcpu=native is a CPU of {}, not of {}; name one of "
                      "its CPUs, or leave --mcpu out for {}",
                      host, target.triple, found->baseline);
  Expected<const llvm::Target *> backEnd = backEndOf(target.triple);
  if (!backEnd)
    return backEnd.takeError();
  auto describe = [&] {
    return std::unique_ptr<MCSubtargetInfo>((*backEnd)->createMCSubtargetInfo(
        Triple(target.triple), target.cpu, target.features));
  };
  if (Error error = parseName(isNative ? sys::getHostCPUName() : cpu, target,
                              *describe()))
    return std::move(error);
  if (isNative)
    target.features = hostFeatures();
  if (target.architecture == Architecture::X86_64)
    target.features +=
        std::string(target.features.empty() ? "-" : ",-") + unusedFeature;
  if (Error error = describeVectors(target, *describe()))
    return std::move(error);
  describeMachine(target);
  if (long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE); isNative && bytes > 0)
    target.l2Bytes = bytes;
  return target;
}

Expected<std::unique_ptr<TargetMachine>>
createTargetMachine(const CpuTarget &target) {
  Expected<const llvm::Target *> backEnd = backEndOf(target.triple);
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
      "avx", "sse",  "ssse3", "fma",      "f16c",    "bmi",  "lzcnt", "popcnt",
      "amx", "gfni", "neon",  "fullfp16", "dotprod", "bf16", "i8mm",  "sve"};
  return llvm::any_of(
      prefixes, [&](StringRef prefix) { return feature.starts_with(prefix); });
}

std::vector<std::string> requiredFeatures(const CpuTarget &target) {
  std::vector<std::string> required;
  std::string architecture = Triple(target.triple).getArchName().str();
  Expected<const llvm::Target *> backEnd = backEndOf(target.triple);
  if (!backEnd) {
    consumeError(backEnd.takeError());
    return required;
  }
  std::unique_ptr<MCSubtargetInfo> info((*backEnd)->createMCSubtargetInfo(
      Triple(target.triple), target.cpu, target.features));
  for (const SubtargetFeatureKV &feature : info->getAllProcessorFeatures())
    if (info->hasFeature(feature.Value) && isComputeFeature(feature.Key) &&
        isKnownCpuFeature(architecture, feature.Key))
      required.push_back(feature.Key);
  std::sort(required.begin(), required.end());
  return required;
}

} // namespace moec

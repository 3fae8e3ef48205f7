//===- LaunchReport.cpp - What an emulated launch found -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A report as text and as JSON.
//
//===----------------------------------------------------------------------===//

#include "moec/Emulator/LaunchReport.h"
#include "moec/Support/Text.h"

#include "llvm/ADT/STLExtras.h"
#include <nlohmann/json.hpp>

using namespace llvm;

namespace moec::emulator {

StringRef findingName(FindingKind kind) {
  switch (kind) {
  case FindingKind::Race:
    return "race";
  case FindingKind::Deadlock:
    return "deadlock";
  case FindingKind::NoProgress:
    return "no-progress";
  case FindingKind::Divergence:
    return "divergence";
  case FindingKind::OutOfBounds:
    return "out-of-bounds";
  case FindingKind::Misaligned:
    return "misaligned";
  case FindingKind::Uninitialized:
    return "uninitialized";
  case FindingKind::MissingProxyFence:
    return "missing-proxy-fence";
  case FindingKind::InFlightWrite:
    return "in-flight-write";
  case FindingKind::InFlightRead:
    return "in-flight-read";
  case FindingKind::GlobalOverlap:
    return "global-overlap";
  case FindingKind::LaunchOrder:
    return "launch-order";
  case FindingKind::Barrier:
    return "barrier";
  case FindingKind::Operand:
    return "operand";
  case FindingKind::DivisionByZero:
    return "division-by-zero";
  case FindingKind::Trap:
    return "trap";
  }
  llvm_unreachable("all kinds are listed");
}

/// The counters with their names in reports, in their order there.
static std::vector<std::pair<const char *, uint64_t>>
named(const Counters &counters) {
  return {{"shared_wavefronts", counters.sharedWavefronts},
          {"shared_wavefronts_ideal", counters.sharedWavefrontsIdeal},
          {"global_sectors", counters.globalSectors},
          {"global_sectors_ideal", counters.globalSectorsIdeal},
          {"global_bytes_read", counters.globalBytesRead},
          {"global_bytes_written", counters.globalBytesWritten},
          {"mma", counters.mma},
          {"wgmma", counters.wgmma},
          {"tensor_flops", counters.tensorFlops},
          {"ldmatrix", counters.ldmatrix},
          {"stmatrix", counters.stmatrix},
          {"tma", counters.tma},
          {"cp_async", counters.cpAsync},
          {"atomics", counters.atomics},
          {"barrier_waits", counters.barrierWaits},
          {"mbarrier_waits", counters.mbarrierWaits},
          {"thread_switches", counters.threadSwitches}};
}

bool LaunchReport::has(FindingKind kind) const {
  return llvm::any_of(findings, [kind](const Finding &finding) {
    return finding.kind == kind;
  });
}

static std::string triple(const std::array<uint32_t, 3> &index) {
  return fmt::format("({}, {}, {})", index[0], index[1], index[2]);
}

std::string LaunchReport::text() const {
  std::string text =
      findings.empty()
          ? fmt::format("{}: no findings\n", kernel)
          : fmt::format("{}: {}\n", kernel,
                        plural(findings.size() + dropped, "finding"));
  for (const Finding &finding : findings)
    text += fmt::format(
        "\n{}: {}\n  at {} ({})\n  block {} thread {}{}\n",
        findingName(finding.kind), finding.message, finding.instruction,
        finding.location, triple(finding.block), triple(finding.thread),
        finding.count > 1 ? fmt::format(", {} times", finding.count)
                          : std::string());
  if (dropped)
    text += fmt::format("\nand {} more\n", dropped);
  text += "\n";
  for (auto [name, value] : named(counters))
    if (value)
      text += fmt::format("  {:<26}{}\n", name, value);
  return text;
}

nlohmann::json LaunchReport::json() const {
  nlohmann::json list = nlohmann::json::array();
  for (const Finding &finding : findings)
    list.push_back({{"kind", findingName(finding.kind).str()},
                    {"block", finding.block},
                    {"thread", finding.thread},
                    {"instruction", finding.instruction},
                    {"location", finding.location},
                    {"message", finding.message},
                    {"count", finding.count}});
  nlohmann::json numbers = nlohmann::json::object();
  for (auto [name, value] : named(counters))
    numbers[name] = value;
  return {{"kernel", kernel},
          {"findings", list},
          {"dropped", dropped},
          {"counters", numbers},
          {"seconds", seconds}};
}

} // namespace moec::emulator

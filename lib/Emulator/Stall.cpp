//===- Stall.cpp - Why nothing can go on ----------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Says who waits where when no thread can run and nothing is under way.
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include <map>

using namespace llvm;

namespace moec::emulator {

/// "0-31, 64" from sorted numbers.
static std::string ranges(ArrayRef<unsigned> numbers) {
  std::string text;
  for (size_t i = 0; i < numbers.size();) {
    size_t end = i;
    while (end + 1 < numbers.size() && numbers[end + 1] == numbers[end] + 1)
      ++end;
    text += text.empty() ? "" : ", ";
    text += end == i ? std::to_string(numbers[i])
                     : fmt::format("{}-{}", numbers[i], numbers[end]);
    i = end + 1;
  }
  return text;
}

/// The gathering of the warp with lanes that wait elsewhere or have exited.
static const Gathering *findDiverged(const Block &block) {
  for (const Warp &warp : block.warps)
    for (const std::unique_ptr<Gathering> &gathering : warp.gatherings)
      if (gathering->arrived)
        return gathering.get();
  for (const Gathering &gathering : block.warpgroups)
    if (gathering.arrived)
      return &gathering;
  return nullptr;
}

static std::string describeWaits(const Block &block) {
  // std::map: in the order of the first thread.
  std::vector<std::pair<std::string, std::vector<unsigned>>> groups;
  std::map<std::string, size_t> known;
  for (const Thread &thread : block.threads) {
    std::string where =
        thread.state == ThreadState::Done
            ? "have exited"
            : fmt::format("wait {} at {} ({})", thread.waitsFor,
                          thread.site->text, thread.site->location);
    auto [entry, fresh] = known.try_emplace(where, groups.size());
    if (fresh)
      groups.push_back({where, {}});
    groups[entry->second].second.push_back(thread.index);
  }
  std::string text;
  for (auto &[where, threads] : groups)
    text += fmt::format("{}threads {} {}", text.empty() ? "" : "; ",
                        ranges(threads), where);
  return text;
}

void Launch::reportStall() {
  for (const std::unique_ptr<Cluster> &cluster : clusters)
    for (const Block &block : cluster->blocks) {
      if (!block.live)
        continue;
      const Gathering *diverged = findDiverged(block);
      const Thread *first = nullptr;
      for (const Thread &thread : block.threads)
        if (!first && thread.state == ThreadState::Waiting &&
            (!diverged || thread.site == diverged->site))
          first = &thread;
      if (diverged)
        found(FindingKind::Divergence, *first, *first->site,
              "{} of {} threads came to an operation that all of them do "
              "together: {}",
              diverged->arrived, diverged->expected, describeWaits(block));
      else
        found(FindingKind::Deadlock, *first, *first->site,
              "nothing can go on: {}", describeWaits(block));
    }
}

} // namespace moec::emulator

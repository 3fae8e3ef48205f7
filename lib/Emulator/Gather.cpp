//===- Gather.cpp - Operations that threads do together -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gathering the lanes of a warp, and what threads that meet learn.
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

using namespace llvm;

namespace moec::emulator {

static Gathering &gatheringFor(Warp &warp, const Site &site, uint32_t mask) {
  Gathering *free = nullptr;
  for (std::unique_ptr<Gathering> &gathering : warp.gatherings) {
    if (gathering->arrived == 0)
      free = gathering.get();
    else if (gathering->mask == mask && gathering->site == &site)
      return *gathering;
  }
  if (!free) {
    warp.gatherings.push_back(std::make_unique<Gathering>());
    free = warp.gatherings.back().get();
  }
  free->site = &site;
  free->mask = mask;
  return *free;
}

/// A lane of `mask` has exited and will not come.
static void checkAlive(Thread &thread, const Site &site, uint32_t mask) {
  uint32_t missing = mask & thread.block->warps[thread.warp].exited;
  if (!missing)
    return;
  thread.launch().found(FindingKind::Divergence, thread, site,
                        "lane {} of the mask 0x{:08x} has exited",
                        llvm::countr_zero(missing), mask);
  thread.launch().abandon(thread);
}

/// Others of the warp wait for this lane at another place.
static void checkNotAwaited(Thread &thread, const Site &site,
                            const Gathering &own) {
  for (const std::unique_ptr<Gathering> &other :
       thread.block->warps[thread.warp].gatherings) {
    if (other.get() == &own || !other->arrived ||
        !(other->mask >> thread.lane & 1))
      continue;
    thread.launch().found(
        FindingKind::Divergence, thread, site,
        "lane {} came here with the mask 0x{:08x} while {} of the lanes "
        "0x{:08x} wait for all of them, it too, at {} ({})",
        thread.lane, own.mask, other->arrived, other->mask, other->site->text,
        other->site->location);
    thread.launch().abandon(thread);
  }
}

void gatherWarp(Thread &thread, const Site &site, uint32_t mask,
                const uint64_t *in, uint64_t *out,
                function_ref<void(Gathering &)> perform) {
  Launch &launch = thread.launch();
  Block &block = *thread.block;
  unsigned first = thread.warp * warpSize;
  if (block.threads.size() - first < warpSize)
    mask &= (1u << (block.threads.size() - first)) - 1;
  if (!(mask >> thread.lane & 1)) {
    launch.found(FindingKind::Operand, thread, site,
                 "lane {} is not in the mask 0x{:08x} it gives", thread.lane,
                 mask);
    launch.abandon(thread);
  }
  Gathering &gathering = gatheringFor(block.warps[thread.warp], site, mask);
  checkNotAwaited(thread, site, gathering);
  if (gathering.arrived == 0) {
    gathering.expected = llvm::popcount(mask);
    checkAlive(thread, site, mask);
  }
  gathering.lanes[thread.lane] = {&thread, in, out};
  if (++gathering.arrived < gathering.expected)
    return launch.wait(thread, site, "for the other lanes");
  perform(gathering);
  gathering.arrived = 0;
  for (unsigned lane = 0; lane < warpSize; ++lane)
    if (mask >> lane & 1 && lane != thread.lane)
      launch.wake(*gathering.lanes[lane].thread);
}

void gatherWarpgroup(Thread &thread, const Site &site, const uint64_t *in,
                     uint64_t *out, function_ref<void(Gathering &)> perform) {
  Launch &launch = thread.launch();
  Block &block = *thread.block;
  constexpr unsigned size = 4 * warpSize;
  unsigned first = thread.index / size * size;
  if (block.threads.size() < first + size) {
    launch.found(FindingKind::Divergence, thread, site,
                 "the block's last warpgroup has only {} threads",
                 block.threads.size() - first);
    launch.abandon(thread);
  }
  Gathering &gathering = block.warpgroups[thread.index / size];
  if (gathering.arrived && gathering.site != &site) {
    launch.found(FindingKind::Divergence, thread, site,
                 "thread {} came here while {} threads of its warpgroup wait "
                 "at {} ({})",
                 thread.index, gathering.arrived, gathering.site->text,
                 gathering.site->location);
    launch.abandon(thread);
  }
  gathering.site = &site;
  gathering.expected = size;
  gathering.lanes[thread.index - first] = {&thread, in, out};
  if (++gathering.arrived < size)
    return launch.wait(thread, site, "for the rest of the warpgroup");
  perform(gathering);
  gathering.arrived = 0;
  for (unsigned lane = 0; lane < size; ++lane)
    if (first + lane != thread.index)
      launch.wake(*gathering.lanes[lane].thread);
}

void synchronize(ArrayRef<Thread *> threads) {
  VectorClock all;
  for (Thread *thread : threads)
    all.join(thread->clock);
  for (Thread *thread : threads) {
    thread->clock = all;
    thread->advance();
  }
}

} // namespace moec::emulator

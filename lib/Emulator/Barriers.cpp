//===- Barriers.cpp - Barriers of a block ---------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// barrier.cta in its forms, __syncwarp, and fences.
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace moec::emulator {
namespace {
enum Reduction : unsigned { None, Popc, And, Or };
} // namespace

static uint64_t reduced(const NamedBarrier &barrier) {
  switch (barrier.reduction) {
  case Popc:
    return barrier.count;
  case And:
    return barrier.all;
  case Or:
    return barrier.any;
  default:
    return 0;
  }
}

static void complete(Launch &launch, NamedBarrier &barrier) {
  uint64_t result = reduced(barrier);
  for (auto [i, thread] : llvm::enumerate(barrier.waiting)) {
    thread->clock.join(barrier.clock);
    thread->advance();
    if (barrier.results[i])
      *barrier.results[i] = result;
    if (thread->state == ThreadState::Waiting)
      launch.wake(*thread);
  }
  launch.progress();
  barrier = NamedBarrier();
}

static bool isComplete(const Block &block, const NamedBarrier &barrier) {
  unsigned expected = barrier.expected ? barrier.expected : block.live;
  return barrier.arrived && barrier.arrived >= expected;
}

void threadExited(Thread &thread) {
  for (NamedBarrier &barrier : thread.block->barriers)
    if (!barrier.expected && isComplete(*thread.block, barrier))
      complete(thread.launch(), barrier);
  completeClusterBarrier(*thread.block->cluster);
}

/// `expected` is 0 for all threads of the block.
static NamedBarrier &arrive(Thread &thread, const Site &site, uint64_t id,
                            uint64_t expected) {
  Launch &launch = thread.launch();
  Block &block = *thread.block;
  if (id >= block.barriers.size()) {
    launch.found(FindingKind::Barrier, thread, site,
                 "there is no barrier {}; their numbers are 0 to 15", id);
    launch.abandon(thread);
  }
  NamedBarrier &barrier = block.barriers[id];
  if (expected % warpSize) {
    launch.found(FindingKind::Barrier, thread, site,
                 "barrier {} is for {} threads, which is no multiple of {}", id,
                 expected, warpSize);
    launch.abandon(thread);
  }
  if (barrier.arrived && barrier.expected != expected) {
    launch.found(FindingKind::Barrier, thread, site,
                 "barrier {} is for {} threads here and for {} where others "
                 "came to it (0: all)",
                 id, expected, barrier.expected);
    launch.abandon(thread);
  }
  barrier.expected = expected;
  barrier.clock.join(thread.clock);
  ++barrier.arrived;
  return barrier;
}

static void synchronizeBlock(Thread &thread, const Site &site, uint64_t id,
                             uint64_t expected, Reduction reduction, bool value,
                             uint64_t *out) {
  Launch &launch = thread.launch();
  NamedBarrier &barrier = arrive(thread, site, id, expected);
  ++launch.counters().barrierWaits;
  barrier.reduction = reduction;
  barrier.count += value;
  barrier.all &= value;
  barrier.any |= value;
  barrier.waiting.push_back(&thread);
  barrier.results.push_back(out);
  if (isComplete(*thread.block, barrier))
    complete(launch, barrier);
  else
    launch.wait(thread, site, "for the others");
}

static void arriveOnly(Thread &thread, const Site &site, const uint64_t *in,
                       uint64_t *) {
  NamedBarrier &barrier = arrive(thread, site, in[0], in[1]);
  thread.advance();
  if (isComplete(*thread.block, barrier))
    complete(thread.launch(), barrier);
}

/// "[red.OP.][aligned.]all|count" after barrier.cta. or barrier.cta.sync.
static Operation makeBarrier(StringRef rest, ArrayRef<unsigned>) {
  Reduction reduction = None;
  if (rest.consume_front("red.")) {
    auto [name, tail] = rest.split('.');
    reduction = StringSwitch<Reduction>(name)
                    .Case("popc", Popc)
                    .Case("and", And)
                    .Case("or", Or)
                    .Default(None);
    if (reduction == None)
      return {};
    rest = tail;
  } else if (!rest.consume_front("sync.")) {
    return {};
  }
  rest.consume_front("aligned.");
  if (rest != "all" && rest != "count")
    return {};
  bool counted = rest == "count";
  return
      [=](Thread &thread, const Site &site, const uint64_t *in, uint64_t *out) {
        uint64_t expected = counted ? in[1] : 0;
        bool value = reduction != None && in[counted ? 2 : 1];
        synchronizeBlock(thread, site, in[0], expected, reduction, value,
                         reduction == None ? nullptr : out);
      };
}

static void syncWarp(Thread &thread, const Site &site, const uint64_t *in,
                     uint64_t *out) {
  gatherWarp(thread, site, uint32_t(in[0]), in, out, [](Gathering &gathering) {
    SmallVector<Thread *, warpSize> threads;
    for (unsigned lane = 0; lane < warpSize; ++lane)
      if (gathering.mask >> lane & 1)
        threads.push_back(gathering.lanes[lane].thread);
    synchronize(threads);
  });
}

void addBarrierOperations(OperationTable &table) {
  table.intrinsics("barrier.cta.", makeBarrier);
  table.intrinsic("barrier.cta.arrive.aligned.count", arriveOnly);
  table.intrinsic("barrier.cta.arrive.count", arriveOnly);
  table.intrinsic("bar.warp.sync", syncWarp);
  table.ptx("bar.warp.sync", PtxResult::None, syncWarp);
  for (const char *name : {"bar.sync", "barrier.sync", "barrier.sync.aligned",
                           "barrier.cta.sync", "barrier.cta.sync.aligned"}) {
    table.ptx(
        name, PtxResult::None,
        [](Thread &thread, const Site &site, const uint64_t *in, uint64_t *) {
          synchronizeBlock(thread, site, in[0], in[1], None, false, nullptr);
        });
  }
  for (const char *name : {"bar.arrive", "barrier.arrive", "barrier.cta.arrive",
                           "barrier.cta.arrive.aligned"})
    table.ptx(name, PtxResult::None, arriveOnly);
  // Threads run one at a time, so memory is always in order. What a fence is
  // needed for across blocks is not checked.
  for (const char *name : {"membar.cta", "membar.gl", "membar.sys"}) {
    table.intrinsic(name, doNothing);
    table.ptx(name, PtxResult::None, doNothing);
  }
  for (const char *name :
       {"fence.acq_rel.cta", "fence.acq_rel.gpu", "fence.acq_rel.sys",
        "fence.acq_rel.cluster", "fence.sc.cta", "fence.sc.gpu",
        "fence.sc.cluster", "fence.sc.sys"})
    table.ptx(name, PtxResult::None, doNothing);
}

} // namespace moec::emulator

//===- Mbarriers.cpp - mbarrier objects -----------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mbarrier.*: initialise, arrive, expect bytes, test and wait.
//
//===----------------------------------------------------------------------===//

#include "Mbarriers.h"
#include "Launch.h"

using namespace llvm;

namespace moec::emulator {

/// PTX ISA: the largest count of arrivals.
static constexpr uint64_t maxArrivals = (1 << 20) - 1;

Mbarrier *findMbarrier(Thread &thread, const Site &site, uint64_t address) {
  auto *place = reinterpret_cast<void *>(address);
  Block *owner = sharedOwner(thread, place);
  if (!owner) {
    thread.launch().found(FindingKind::OutOfBounds, thread, site,
                          "the mbarrier at 0x{:x} is not in shared memory",
                          address);
    return nullptr;
  }
  uint32_t offset = static_cast<char *>(place) - owner->shared.data();
  auto found = owner->mbarriers.find(offset);
  if (found == owner->mbarriers.end() || !found->second.expected) {
    thread.launch().found(FindingKind::Barrier, thread, site,
                          "there is no mbarrier at byte {} of shared memory: "
                          "mbarrier.init was not executed before",
                          offset);
    return nullptr;
  }
  // Using it must come after its initialisation.
  if (!checkShared(thread, site, *owner, place, Mbarrier::bytes,
                   AccessKind::Atomic))
    return nullptr;
  return &found->second;
}

static void completePhase(Launch &launch, Mbarrier &barrier) {
  if (barrier.pending || barrier.pendingBytes)
    return;
  ++barrier.phase;
  barrier.pending = barrier.expected;
  barrier.completed = barrier.running;
  launch.progress();
  for (Thread *thread : barrier.waiting)
    launch.wake(*thread);
  barrier.waiting.clear();
}

void arrive(Thread &thread, const Site &site, Mbarrier &barrier, uint32_t count,
            const VectorClock &clock) {
  Launch &launch = thread.launch();
  if (count > barrier.pending) {
    launch.found(FindingKind::Barrier, thread, site,
                 "{} arrived at an mbarrier with {} pending of {}: more "
                 "arrivals than it was initialised for",
                 count, barrier.pending, barrier.expected);
    return;
  }
  barrier.running.join(clock);
  barrier.pending -= count;
  completePhase(launch, barrier);
}

void completeBytes(Launch &launch, Mbarrier &barrier, uint64_t bytes,
                   const VectorClock &clock) {
  barrier.running.join(clock);
  barrier.pendingBytes -= bytes;
  completePhase(launch, barrier);
}

static void initialize(Thread &thread, const Site &site, const uint64_t *in,
                       uint64_t *) {
  Block &block = *thread.block;
  auto *place = reinterpret_cast<char *>(in[0]);
  if (in[0] % Mbarrier::bytes)
    return thread.launch().found(FindingKind::Misaligned, thread, site,
                                 "the mbarrier at 0x{:x} is not aligned to 8",
                                 in[0]);
  if (!checkShared(thread, site, block, place, Mbarrier::bytes,
                   AccessKind::Store))
    return;
  uint32_t count = in[1];
  if (!count || count > maxArrivals)
    return thread.launch().found(FindingKind::Operand, thread, site,
                                 "an mbarrier for {} arrivals; 1 to {} are "
                                 "possible",
                                 count, maxArrivals);
  uint32_t offset = place - block.shared.data();
  Mbarrier &barrier = block.mbarriers[offset];
  uint32_t agent = thread.block->cluster->threads +
                   block.rank * mbarrierAgents +
                   block.numMbarriers++ % mbarrierAgents;
  uint32_t time = barrier.time;
  barrier = Mbarrier();
  barrier.expected = barrier.pending = count;
  barrier.agent = agent;
  barrier.time = time;
}

static void invalidate(Thread &thread, const Site &site, const uint64_t *in,
                       uint64_t *) {
  // Copies under way may still refer to it, so it stays, invalid.
  if (Mbarrier *barrier = findMbarrier(thread, site, in[0]))
    barrier->expected = 0;
}

/// How a member of the arrive family differs.
namespace {
struct Arrival {
  bool expectsBytes = false, drops = false, hasCount = false;
};
} // namespace

static Operation makeArrive(Arrival kind) {
  return [kind](Thread &thread, const Site &site, const uint64_t *in,
                uint64_t *out) {
    Mbarrier *barrier = findMbarrier(thread, site, in[0]);
    out[0] = barrier ? barrier->phase : 0;
    if (!barrier)
      return;
    uint32_t count = 1;
    if (kind.expectsBytes)
      barrier->pendingBytes += uint32_t(in[1]);
    else if (kind.hasCount)
      count = in[1];
    if (kind.drops)
      barrier->expected -= std::min(barrier->expected, count);
    arrive(thread, site, *barrier, count, thread.clock);
    thread.advance();
  };
}

/// mbarrier.arrive..., by what its name has in it.
static Operation makeArriveByName(StringRef rest, ArrayRef<unsigned> operands) {
  Arrival kind;
  kind.drops = rest.contains("drop");
  kind.expectsBytes = rest.contains("expect.tx") || rest.contains("expect_tx");
  // Intrinsics with a scope and noComplete have a count; in PTX it may be left
  // out, and the state comes first.
  kind.hasCount = rest.contains("noComplete") || rest.contains("scope.") ||
                  operands.size() > 2;
  return makeArrive(kind);
}

static void expectBytes(Thread &thread, const Site &site, const uint64_t *in,
                        uint64_t *) {
  if (Mbarrier *barrier = findMbarrier(thread, site, in[0]))
    barrier->pendingBytes += uint32_t(in[1]);
}

static void completeTx(Thread &thread, const Site &site, const uint64_t *in,
                       uint64_t *) {
  if (Mbarrier *barrier = findMbarrier(thread, site, in[0]))
    completeBytes(thread.launch(), *barrier, uint32_t(in[1]), thread.clock);
}

/// Whether the phase asked for has completed: given by its parity, or by the
/// state that an arrival returned.
static bool hasCompleted(const Mbarrier &barrier, uint64_t which,
                         bool byParity) {
  return byParity ? (barrier.phase & 1) != (which & 1) : barrier.phase > which;
}

static Operation makeWait(bool byParity, bool blocks) {
  return
      [=](Thread &thread, const Site &site, const uint64_t *in, uint64_t *out) {
        Launch &launch = thread.launch();
        out[0] = true;
        Mbarrier *barrier = findMbarrier(thread, site, in[0]);
        if (!barrier)
          return;
        if (byParity && in[1] > 1)
          launch.found(FindingKind::Operand, thread, site,
                       "a parity of {}; it is 0 or 1", in[1]);
        ++launch.counters().mbarrierWaits;
        while (blocks && !hasCompleted(*barrier, in[1], byParity)) {
          barrier->waiting.push_back(&thread);
          launch.wait(thread, site,
                      in[1] & 1 ? "for a phase of parity 1 to complete"
                                : "for a phase of parity 0 to complete");
        }
        out[0] = hasCompleted(*barrier, in[1], byParity);
        if (out[0])
          thread.clock.join(barrier->completed);
        else
          launch.yield(thread, &site);
      };
}

static Operation makeWaitByName(StringRef rest, bool blocks) {
  return makeWait(rest.contains("parity"), blocks);
}

void addMbarrierOperations(OperationTable &table) {
  auto tests = [](StringRef rest, ArrayRef<unsigned>) {
    return makeWaitByName(rest, /*blocks=*/false);
  };
  auto waits = [](StringRef rest, ArrayRef<unsigned>) {
    return makeWaitByName(rest, /*blocks=*/true);
  };
  auto plain = [](const Operation &operation) {
    return [operation](StringRef, ArrayRef<unsigned>) { return operation; };
  };
  table.intrinsics("mbarrier.init", plain(initialize));
  table.intrinsics("mbarrier.inval", plain(invalidate));
  table.intrinsics("mbarrier.arrive", makeArriveByName);
  table.intrinsics("mbarrier.expect.tx", plain(expectBytes));
  table.intrinsics("mbarrier.complete.tx", plain(completeTx));
  table.intrinsics("mbarrier.test.wait", tests);
  table.intrinsics("mbarrier.try.wait", waits);
  table.ptxFamily("mbarrier.init.", PtxResult::None, plain(initialize));
  table.ptxFamily("mbarrier.inval.", PtxResult::None, plain(invalidate));
  table.ptxFamily("mbarrier.arrive.", PtxResult::First, makeArriveByName);
  table.ptxFamily("mbarrier.expect_tx.", PtxResult::None, plain(expectBytes));
  table.ptxFamily("mbarrier.complete_tx.", PtxResult::None, plain(completeTx));
  table.ptxFamily("mbarrier.test_wait.", PtxResult::First, tests);
  table.ptxFamily("mbarrier.try_wait.", PtxResult::First, waits);
}

} // namespace moec::emulator

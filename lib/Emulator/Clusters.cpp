//===- Clusters.cpp - Clusters, and what concerns a whole warp ------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// barrier.cluster, mapa, proxy fences, setmaxnreg and the operations that have
// no effect on results.
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace moec::emulator {

static unsigned liveThreads(const Cluster &cluster) {
  unsigned live = 0;
  for (const Block &block : cluster.blocks)
    live += block.live;
  return live;
}

void completeClusterBarrier(Cluster &cluster) {
  if (!cluster.arrived || cluster.arrived < liveThreads(cluster))
    return;
  cluster.completed = std::exchange(cluster.running, VectorClock());
  cluster.arrived = 0;
  ++cluster.phase;
  cluster.launch->progress();
  for (Thread *thread : cluster.waiting)
    cluster.launch->wake(*thread);
  cluster.waiting.clear();
}

static Operation makeClusterArrive(StringRef rest, ArrayRef<unsigned>) {
  bool relaxed = rest.contains("relaxed");
  return [=](Thread &thread, const Site &, const uint64_t *, uint64_t *) {
    Cluster &cluster = *thread.block->cluster;
    thread.clusterPhase = cluster.phase;
    ++cluster.arrived;
    if (relaxed)
      cluster.running.join(VectorClock(cluster.agents));
    else
      cluster.running.join(thread.clock);
    thread.advance();
    completeClusterBarrier(cluster);
  };
}

/// griddepcontrol.wait and griddepcontrol.launch_dependents. Launches run one
/// after the other: what matters is what may not be touched before.
static void waitForLaunchBefore(Thread &thread, const Site &, const uint64_t *,
                                uint64_t *) {
  thread.hasWaited = thread.block->hasWaited = true;
}

static void letNextBegin(Thread &thread, const Site &, const uint64_t *,
                         uint64_t *) {
  Launch &launch = thread.launch();
  launch.device().memory->letNextBegin(!launch.configuration().overlaps ||
                                       thread.hasWaited);
}

static void waitForCluster(Thread &thread, const Site &site, const uint64_t *,
                           uint64_t *) {
  Cluster &cluster = *thread.block->cluster;
  ++thread.launch().counters().barrierWaits;
  if (cluster.phase == thread.clusterPhase) {
    cluster.waiting.push_back(&thread);
    thread.launch().wait(thread, site, "for the others of the cluster");
  }
  thread.clock.join(cluster.completed);
}

/// mapa: the same place in the shared memory of another block.
static void mapAddress(Thread &thread, const Site &site, const uint64_t *in,
                       uint64_t *out) {
  std::vector<Block> &blocks = thread.block->cluster->blocks;
  uint64_t offset = in[0] - reinterpret_cast<uintptr_t>(thread.shared);
  uint32_t rank = in[1];
  out[0] = in[0];
  if (rank >= blocks.size() || offset >= SharedWindows::windowBytes)
    return thread.launch().found(FindingKind::Operand, thread, site,
                                 "block {} of a cluster of {}, address 0x{:x}",
                                 rank, blocks.size(), in[0]);
  out[0] = reinterpret_cast<uintptr_t>(blocks[rank].shared.data()) + offset;
}

static void rankOf(Thread &thread, const Site &site, const uint64_t *in,
                   uint64_t *out) {
  Block *owner = sharedOwner(thread, reinterpret_cast<void *>(in[0]));
  out[0] = owner ? owner->rank : thread.block->rank;
  if (!owner)
    thread.launch().found(FindingKind::Operand, thread, site,
                          "0x{:x} is not in shared memory", in[0]);
}

bool isProxyFenced(const Thread &reader, uint32_t time, uint32_t writer) {
  const Thread *thread = reader.block->cluster->threadOf(writer);
  return reader.proxyFence > time || (thread && thread->proxyFence > time);
}

static void fenceProxy(Thread &thread, const Site &, const uint64_t *,
                       uint64_t *) {
  thread.proxyFence = thread.launch().proxyTime();
}

/// Gives the warp the registers it wants, if the warps that have said how many
/// they keep leave as many. What a warp has before that is up to the assembler.
static bool takeRegisters(Block &block, Warp &warp) {
  constexpr uint32_t most = (64 << 10) / warpSize;
  uint32_t others = 0;
  for (const Warp &other : block.warps)
    others += &other == &warp ? 0 : other.registers;
  if (warp.registersWanted > warp.registers &&
      others + warp.registersWanted > most)
    return false;
  warp.registers = warp.registersWanted;
  return true;
}

/// setmaxnreg: a multiple of 8 from 24 to 256, by all lanes.
static void setRegisters(Thread &thread, const Site &site, const uint64_t *in,
                         uint64_t *out) {
  Launch &launch = thread.launch();
  Block &block = *thread.block;
  Warp &warp = block.warps[thread.warp];
  uint32_t count = in[0];
  gatherWarp(thread, site, ~0u, in, out, [&](Gathering &) {
    if (count % 8 || count < 24 || count > 256)
      launch.found(FindingKind::Operand, thread, site,
                   "{} registers; multiples of 8 from 24 to 256 are possible",
                   count);
    warp.registersWanted = count;
    if (count < warp.registers || !warp.registers)
      for (Thread *waiting : std::exchange(block.waitingForRegisters, {}))
        launch.wake(*waiting);
  });
  while (!takeRegisters(block, warp)) {
    block.waitingForRegisters.push_back(&thread);
    launch.wait(thread, site, "for registers that other warps have");
  }
}

/// A test of a generic address.
template <typename Fn>
static Operation makeSpaceTest(Fn test) {
  return
      [test](Thread &thread, const Site &, const uint64_t *in, uint64_t *out) {
        out[0] = test(thread, reinterpret_cast<void *>(in[0]));
      };
}

static void addSpaceTests(OperationTable &table) {
  auto isShared = [](Thread &thread, void *address) {
    return sharedOwner(thread, address) == thread.block;
  };
  auto isClusterShared = [](Thread &thread, void *address) {
    return sharedOwner(thread, address) != nullptr;
  };
  auto isLocal = [](Thread &thread, void *address) {
    return thread.fiber.onStack(address);
  };
  auto isGlobal = [=](Thread &thread, void *address) {
    return !isClusterShared(thread, address) && !isLocal(thread, address);
  };
  table.intrinsic("isspacep.shared", makeSpaceTest(isShared));
  table.intrinsic("isspacep.shared.cluster", makeSpaceTest(isClusterShared));
  table.intrinsic("isspacep.local", makeSpaceTest(isLocal));
  table.intrinsic("isspacep.global", makeSpaceTest(isGlobal));
}

static void pause(Thread &thread, const Site &site, const uint64_t *,
                  uint64_t *) {
  thread.launch().yield(thread, &site);
}

/// Switches so far, which only ever grows.
static void readClock(Thread &thread, const Site &, const uint64_t *,
                      uint64_t *out) {
  out[0] = thread.launch().counters().threadSwitches;
}

void addClusterOperations(OperationTable &table) {
  auto plain = [](const Operation &operation) {
    return [operation](StringRef, ArrayRef<unsigned>) { return operation; };
  };
  table.intrinsics("barrier.cluster.arrive", makeClusterArrive);
  table.intrinsics("barrier.cluster.wait", plain(waitForCluster));
  table.ptxFamily("barrier.cluster.arrive", PtxResult::None, makeClusterArrive);
  table.ptxFamily("barrier.cluster.wait", PtxResult::None,
                  plain(waitForCluster));
  table.intrinsics("mapa", plain(mapAddress));
  table.ptxFamily("mapa.", PtxResult::First, plain(mapAddress));
  table.intrinsics("getctarank", plain(rankOf));
  table.intrinsics("fence.proxy.async", plain(fenceProxy));
  table.ptxFamily("fence.proxy.async", PtxResult::None, plain(fenceProxy));
  table.intrinsics("setmaxnreg.", plain(setRegisters));
  table.ptxFamily("setmaxnreg.", PtxResult::None, plain(setRegisters));
  addSpaceTests(table);
  table.intrinsic("nanosleep", pause);
  table.ptx("nanosleep.u32", PtxResult::None, pause);
  table.intrinsics("read.ptx.sreg.clock", plain(readClock));
  table.intrinsics("read.ptx.sreg.globaltimer", plain(readClock));
  table.intrinsics("griddepcontrol.wait", plain(waitForLaunchBefore));
  table.ptxFamily("griddepcontrol.wait", PtxResult::None,
                  plain(waitForLaunchBefore));
  table.intrinsics("griddepcontrol.launch", plain(letNextBegin));
  table.ptxFamily("griddepcontrol.launch_dependents", PtxResult::None,
                  plain(letNextBegin));
  // Memory is always in order.
  for (const char *name :
       {"fence.mbarrier_init.", "fence.sc.", "fence.acquire.", "fence.release.",
        "fence.proxy.tensormap", "fence.proxy.alias", "prefetch"})
    table.intrinsics(name, plain(doNothing));
  for (const char *name : {"fence.mbarrier_init.", "prefetch.", "prefetchu.",
                           "fence.proxy.tensormap"})
    table.ptxFamily(name, PtxResult::None, plain(doNothing));
}

} // namespace moec::emulator

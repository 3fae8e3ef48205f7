//===- Machine.h - Threads, warps, blocks, clusters ------------*- C++ -*--===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The state of what runs.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_EMULATOR_MACHINE_H
#define MOEC_LIB_EMULATOR_MACHINE_H

#include "AccessGroups.h"
#include "Fiber.h"
#include "Mbarriers.h"
#include "SharedMemory.h"
#include "moec/Emulator/Emulator.h"

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace moec::emulator {

class Launch;
struct Block;
struct Cluster;

constexpr unsigned warpSize = 32;
/// Agents in clocks that stand for a block's mbarriers.
constexpr unsigned mbarrierAgents = 16;

/// What %tid.x and its like hold, at these places of Thread::registers. A
/// register of three dimensions has three in a row.
enum SpecialRegister : unsigned {
  RegTid = 0,
  RegNtid = 3,
  RegCtaid = 6,
  RegNctaid = 9,
  RegClusterid = 12,
  RegNclusterid = 15,
  RegClusterCtaid = 18,
  RegClusterNctaid = 21,
  RegClusterCtarank = 24,
  RegClusterNctarank,
  RegLaneid,
  RegWarpid,
  RegNwarpid,
  RegWarpSize,
  RegLanemaskEq,
  RegLanemaskLe,
  RegLanemaskLt,
  RegLanemaskGe,
  RegLanemaskGt,
  RegSmid,
  RegNsmid,
  RegGridid,
  RegDynamicSmemSize,
  RegTotalSmemSize,
  numSpecialRegisters
};

struct AsyncCopy;
struct BulkStore;
using CopyGroup = std::vector<std::shared_ptr<AsyncCopy>>;
using BulkGroup = std::vector<std::shared_ptr<BulkStore>>;

enum class ThreadState : uint8_t { Ready, Waiting, Spinning, Done };

struct Thread {
  // These two are read by the kernel's code.
  /// The block's shared memory.
  char *shared = nullptr;
  uint32_t registers[numSpecialRegisters] = {};

  Block *block = nullptr;
  /// In the block; in clocks.
  unsigned index = 0, agent = 0;
  unsigned lane = 0, warp = 0;
  Fiber fiber;
  ThreadState state = ThreadState::Ready;
  /// Where it is while it does not run.
  const Site *site = nullptr;
  /// What it waits for there: "for the phase of parity 1 to complete".
  const char *waitsFor = "";
  VectorClock clock;
  /// Loop iterations until somebody else gets a turn.
  uint32_t iterationsLeft = 0;
  /// cp.async, not committed and in committed groups.
  CopyGroup openCopies;
  std::deque<CopyGroup> copyGroups;
  /// cp.async.bulk from shared memory, likewise.
  BulkGroup openStores;
  std::deque<BulkGroup> storeGroups;
  /// The phase of the cluster's barrier it arrived in.
  unsigned clusterPhase = 0;
  /// Whether it has waited for the launch before.
  bool hasWaited = false;
  /// The time of its last fence.proxy.async.
  uint32_t proxyFence = 0;

  Launch &launch() const;
  Accessor accessor(const Site &site) const;
  /// Accesses after this are not covered by what others learn of this thread
  /// now.
  void advance() { ++clock[agent]; }
  std::array<uint32_t, 3> threadIdx() const {
    return {registers[RegTid], registers[RegTid + 1], registers[RegTid + 2]};
  }
};

/// Threads of a warp or a warpgroup that came to an operation all of them do
/// together; the last to come does it for all.
struct Gathering {
  struct Lane {
    Thread *thread = nullptr;
    const uint64_t *in = nullptr;
    uint64_t *out = nullptr;
  };

  const Site *site = nullptr;
  /// Of a warp: the lanes that take part.
  uint32_t mask = 0;
  unsigned arrived = 0, expected = 0;
  std::array<Lane, 4 * warpSize> lanes;
};

/// Shared memory that products in flight read, until all warps of the
/// warpgroup have waited for them.
struct OperandLock {
  std::vector<std::pair<uint32_t, uint32_t>> ranges;
  unsigned warpsLeft = 4;
};

struct Warp {
  /// At most one for each mask in use.
  std::vector<std::unique_ptr<Gathering>> gatherings;
  /// The lanes that have exited.
  uint32_t exited = 0;
  AccessGroups accesses;
  /// wgmma, not committed and in committed groups.
  std::vector<std::shared_ptr<OperandLock>> openProducts;
  std::deque<std::vector<std::shared_ptr<OperandLock>>> productGroups;
  /// wgmma.fence was executed.
  bool hasFenced = false;
  /// Of a thread, since setmaxnreg; 0 before.
  uint32_t registers = 0, registersWanted = 0;
};

/// One of the 16 barriers of a block.
struct NamedBarrier {
  std::vector<Thread *> waiting;
  unsigned arrived = 0;
  /// 0: all threads that have not exited.
  unsigned expected = 0;
  VectorClock clock;
  /// bar.red's running result.
  unsigned count = 0;
  bool all = true, any = false;
  /// Where each waiting thread wants its result, with the same index.
  std::vector<uint64_t *> results;
  unsigned reduction = 0;
};

struct Block {
  Cluster *cluster = nullptr;
  std::array<uint32_t, 3> id = {};
  /// In the cluster; in the launch, from 1.
  unsigned rank = 0;
  uint32_t serial = 0;
  SharedMemory shared;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  /// Of the four warps of each warpgroup.
  std::vector<Gathering> warpgroups;
  std::array<NamedBarrier, 16> barriers;
  /// By offset in shared memory.
  std::map<uint32_t, Mbarrier> mbarriers;
  unsigned numMbarriers = 0;
  std::vector<Thread *> waitingForRegisters;
  unsigned live = 0;
  /// Whether any thread has waited for the launch before.
  bool hasWaited = false;
};

struct Cluster {
  Launch *launch = nullptr;
  std::vector<Block> blocks;
  unsigned live = 0;
  /// Of stacks and windows: the first it may use.
  unsigned slot = 0;
  /// Of all blocks, then those of mbarriers.
  unsigned threads = 0;
  size_t agents = 0;
  /// barrier.cluster: who waits, how many arrived, and what they knew, in the
  /// running phase.
  std::vector<Thread *> waiting;
  unsigned arrived = 0, phase = 0;
  VectorClock running, completed;

  const Thread *threadOf(uint32_t agent) const;
};

} // namespace moec::emulator

#endif // MOEC_LIB_EMULATOR_MACHINE_H

//===- CopyOperations.cpp - cp.async --------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Copies of 4, 8 or 16 bytes from global to shared memory. When the bytes move
// is up to the completion mode; that nobody may touch them before the thread
// has waited is checked in every mode.
//
//===----------------------------------------------------------------------===//

#include "Launch.h"
#include "Mbarriers.h"

#include "llvm/ADT/STLExtras.h"

#include <cstring>

using namespace llvm;

namespace moec::emulator {

struct AsyncCopy {
  char *to;
  const char *from;
  uint32_t bytes, sourceBytes;
  const Site *site;
  bool moved = false, landed = false;

  void move() {
    if (moved)
      return;
    moved = true;
    std::memcpy(to, from, sourceBytes);
    std::memset(to + sourceBytes, 0, bytes - sourceBytes);
  }
};

/// The bytes are there, for a thread that knows `clock`.
static void land(Thread &thread, AsyncCopy &copy, const VectorClock &clock) {
  copy.move();
  if (std::exchange(copy.landed, true))
    return;
  SharedMemory &memory = thread.block->shared;
  memory.landWrite({thread.agent, thread.warp, clock, *copy.site},
                   copy.to - memory.data(), copy.bytes,
                   thread.launch().proxyTime());
}

static void landAll(Thread &thread, CopyGroup &group,
                    const VectorClock &clock) {
  for (const std::shared_ptr<AsyncCopy> &copy : group)
    land(thread, *copy, clock);
}

static void startCopy(Thread &thread, const Site &site, uint64_t to,
                      uint64_t from, uint32_t bytes, uint32_t sourceBytes) {
  Launch &launch = thread.launch();
  ++launch.counters().cpAsync;
  if ((to | from) % bytes)
    return launch.found(FindingKind::Misaligned, thread, site,
                        "a copy of {} bytes from 0x{:x} to 0x{:x}: both must "
                        "be aligned to its size",
                        bytes, from, to);
  if (sourceBytes > bytes) {
    launch.found(FindingKind::Operand, thread, site,
                 "the source size {} exceeds the copy's {}", sourceBytes,
                 bytes);
    sourceBytes = bytes;
  }
  auto copy = std::make_shared<AsyncCopy>();
  *copy = {reinterpret_cast<char *>(to), reinterpret_cast<const char *>(from),
           bytes, sourceBytes, &site};
  if (sourceBytes &&
      !checkGlobal(thread, site, copy->from, sourceBytes, AccessKind::Load))
    copy->sourceBytes = 0;
  SharedMemory &memory = thread.block->shared;
  uint64_t offset = copy->to - memory.data();
  if (offset + bytes > memory.size())
    return launch.found(FindingKind::OutOfBounds, thread, site,
                        "a copy of {} bytes to byte {} of {} bytes of shared "
                        "memory",
                        bytes, offset, memory.size());
  Warp &warp = thread.block->warps[thread.warp];
  warp.accesses.add(site.index, thread.lane, launch.lanesOf(thread),
                    /*shared=*/false, from, std::max(sourceBytes, 1u),
                    launch.counters());
  if (auto fault = memory.beginWrite(thread.accessor(site), offset, bytes))
    reportFault(thread, site, *thread.block, *fault, "copy");
  Completion mode = launch.options().completion;
  if (mode == Completion::Eager ||
      (mode == Completion::Random && launch.random(2)))
    copy->move();
  thread.openCopies.push_back(std::move(copy));
}

/// cp.async.{ca,cg}.shared.global, "BYTES" or "BYTES.s" with a source size.
static Operation makeCopy(StringRef rest, ArrayRef<unsigned>) {
  unsigned bytes;
  if (rest.consumeInteger(10, bytes) ||
      (bytes != 4 && bytes != 8 && bytes != 16) ||
      (!rest.empty() && rest != ".s"))
    return {};
  bool hasSize = rest == ".s";
  return [=](Thread &thread, const Site &site, const uint64_t *in, uint64_t *) {
    startCopy(thread, site, in[0], in[1], bytes,
              hasSize ? uint32_t(in[2]) : bytes);
  };
}

/// cp.async.{ca,cg}.shared[::cta].global[.L2::...] [to], [from], bytes{, size}
static Operation makePtxCopy(StringRef rest, ArrayRef<unsigned> operands) {
  rest.consume_front("::cta");
  if (!rest.starts_with(".global"))
    return {};
  bool hasSize = operands.size() > 3;
  return [=](Thread &thread, const Site &site, const uint64_t *in, uint64_t *) {
    startCopy(thread, site, in[0], in[1], in[2],
              hasSize ? uint32_t(in[3]) : in[2]);
  };
}

static void commitGroup(Thread &thread, const Site &, const uint64_t *,
                        uint64_t *) {
  thread.copyGroups.push_back(std::move(thread.openCopies));
  thread.openCopies.clear();
}

static void waitGroup(Thread &thread, const Site &, const uint64_t *in,
                      uint64_t *) {
  while (thread.copyGroups.size() > uint32_t(in[0])) {
    landAll(thread, thread.copyGroups.front(), thread.clock);
    thread.copyGroups.pop_front();
  }
}

static void waitAll(Thread &thread, const Site &site, const uint64_t *,
                    uint64_t *) {
  const uint64_t none = 0;
  commitGroup(thread, site, nullptr, nullptr);
  waitGroup(thread, site, &none, nullptr);
}

/// An arrival once all copies of the thread so far have landed. Unless noinc,
/// the barrier waits for one arrival more.
static Operation makeArrival(StringRef rest, ArrayRef<unsigned>) {
  bool increments = !rest.contains("noinc");
  return [=](Thread &thread, const Site &site, const uint64_t *in, uint64_t *) {
    Mbarrier *barrier = findMbarrier(thread, site, in[0]);
    if (!barrier)
      return;
    if (increments)
      ++barrier->pending;
    CopyGroup copies = thread.openCopies;
    for (const CopyGroup &group : thread.copyGroups)
      copies.insert(copies.end(), group.begin(), group.end());
    VectorClock clock = thread.clock;
    thread.advance();
    thread.launch().defer({[&thread, &site, barrier, copies, clock]() mutable {
                             landAll(thread, copies, clock);
                             arrive(thread, site, *barrier, 1, clock);
                           },
                           thread.block->cluster,
                           reinterpret_cast<uintptr_t>(&thread)});
  };
}

void addCopyOperations(OperationTable &table) {
  table.intrinsics("cp.async.ca.shared.global.", makeCopy);
  table.intrinsics("cp.async.cg.shared.global.", makeCopy);
  table.ptxFamily("cp.async.ca.shared", PtxResult::None, makePtxCopy);
  table.ptxFamily("cp.async.cg.shared", PtxResult::None, makePtxCopy);
  table.intrinsic("cp.async.commit.group", commitGroup);
  table.intrinsic("cp.async.wait.group", waitGroup);
  table.intrinsic("cp.async.wait.all", waitAll);
  table.ptx("cp.async.commit_group", PtxResult::None, commitGroup);
  table.ptx("cp.async.wait_group", PtxResult::None, waitGroup);
  table.ptx("cp.async.wait_all", PtxResult::None, waitAll);
  table.intrinsics("cp.async.mbarrier.arrive", makeArrival);
  table.ptxFamily("cp.async.mbarrier.arrive", PtxResult::None, makeArrival);
}

} // namespace moec::emulator

//===- Access.cpp - Checked memory accesses -------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which memory an address means, and whether the access is one a kernel may do.
//
//===----------------------------------------------------------------------===//

#include "HostCalls.h"
#include "Launch.h"

#include <cstring>

using namespace llvm;

namespace moec::emulator {

static StringRef accessName(AccessKind kind) {
  switch (kind) {
  case AccessKind::Load:
    return "read";
  case AccessKind::Store:
    return "write";
  case AccessKind::Atomic:
    return "atomic";
  }
  llvm_unreachable("all kinds are listed");
}

/// "thread 5", "thread 5 of block 1 of the cluster", "a copy to an mbarrier".
static std::string describeAgent(const Block &block, uint32_t agent) {
  const Thread *thread = block.cluster->threadOf(agent);
  if (!thread)
    return "an asynchronous copy";
  if (thread->block == &block)
    return fmt::format("thread {}", thread->index);
  return fmt::format("thread {} of block {} of the cluster", thread->index,
                     thread->block->rank);
}

void reportFault(const Thread &thread, const Site &site, const Block &owner,
                 const AccessFault &fault, StringRef what) {
  Launch &launch = thread.launch();
  std::string other = describeAgent(
      owner, fault.agent == SharedMemory::noAgent ? thread.agent : fault.agent);
  const Site &at = launch.site(fault.site);
  std::string there = fmt::format("{} ({})", at.text, at.location);
  switch (fault.kind) {
  case AccessFault::Race:
    return launch.found(FindingKind::Race, thread, site,
                        "{} of shared memory at byte {} is not ordered after "
                        "the {} by {} at {}",
                        what, fault.offset, fault.otherWrote ? "write" : "read",
                        other, there);
  case AccessFault::Uninitialized:
    return launch.found(FindingKind::Uninitialized, thread, site,
                        "{} of shared memory at byte {}, which nothing wrote",
                        what, fault.offset);
  case AccessFault::InFlightWrite:
    return launch.found(FindingKind::InFlightWrite, thread, site,
                        "{} of shared memory at byte {}, where the copy by {} "
                        "at {} is still under way",
                        what, fault.offset, other, there);
  case AccessFault::InFlightRead:
    return launch.found(FindingKind::InFlightRead, thread, site,
                        "{} of shared memory at byte {}, which {} at {} still "
                        "reads",
                        what, fault.offset, other, there);
  case AccessFault::Proxy:
    return launch.found(FindingKind::MissingProxyFence, thread, site,
                        "{} of shared memory at byte {} through the async "
                        "proxy, without fence.proxy.async since the write by "
                        "{} at {}",
                        what, fault.offset, other, there);
  }
}

bool checkShared(Thread &thread, const Site &site, Block &owner,
                 const void *address, uint64_t bytes, AccessKind kind) {
  Launch &launch = thread.launch();
  SharedMemory &memory = owner.shared;
  uint64_t offset = static_cast<const char *>(address) - memory.data();
  if (offset + bytes > memory.size()) {
    launch.found(FindingKind::OutOfBounds, thread, site,
                 "{} of {} bytes at byte {} of {} bytes of shared memory",
                 accessName(kind), bytes, offset, memory.size());
    return false;
  }
  Accessor by = thread.accessor(site);
  if (&owner != thread.block)
    by.warp = owner.warps.size();
  std::optional<AccessFault> fault;
  if (kind == AccessKind::Load)
    fault = memory.read(by, offset, bytes);
  else if (kind == AccessKind::Store)
    fault = memory.write(by, offset, bytes, launch.proxyTime());
  else
    fault = memory.atomic(by, offset, bytes, launch.proxyTime());
  if (fault)
    reportFault(thread, site, owner, *fault, accessName(kind));
  return true;
}

/// Records the block that stores; the first overlap is reported.
static void noteStore(Thread &thread, const Site &site, DeviceBuffer &buffer,
                      const void *address, uint64_t bytes) {
  if (buffer.storedBy.empty())
    buffer.storedBy.resize(buffer.bytes);
  uint64_t offset = static_cast<const char *>(address) - buffer.data;
  uint32_t own = thread.block->serial;
  bool overlap = false;
  for (uint64_t i = offset; i < offset + bytes; ++i) {
    overlap |= buffer.storedBy[i] && buffer.storedBy[i] != own;
    buffer.storedBy[i] = own;
  }
  if (overlap)
    thread.launch().found(FindingKind::GlobalOverlap, thread, site,
                          "another block too stores to byte {} of buffer {}",
                          offset, quote(buffer.name));
}

/// Reports an access of a thread that has not waited for the launch before to
/// what that may still read or write.
static void checkOrder(Thread &thread, const Site &site,
                       const DeviceBuffer &buffer, const void *address,
                       uint64_t bytes, AccessKind kind) {
  uint64_t offset = static_cast<const char *>(address) - buffer.data;
  // Without any such byte there are no bits.
  bool isUnsettled = false;
  for (uint64_t i = offset; i < offset + bytes && !isUnsettled; ++i)
    isUnsettled = i < buffer.unsettled.size() && buffer.unsettled[i];
  if (kind == AccessKind::Load && !isUnsettled)
    return;
  thread.launch().found(
      FindingKind::LaunchOrder, thread, site,
      "{} at byte {} of buffer {} before griddepcontrol.wait: a launch before "
      "this one {}",
      accessName(kind), offset, quote(buffer.name),
      isUnsettled ? "stores there" : "may still read it");
}

bool checkGlobal(Thread &thread, const Site &site, const void *address,
                 uint64_t bytes, AccessKind kind) {
  Launch &launch = thread.launch();
  DeviceMemory &memory = *launch.device().memory;
  DeviceBuffer *buffer = memory.find(address);
  uint64_t left =
      buffer ? buffer->data + buffer->bytes - static_cast<const char *>(address)
             : 0;
  if (!buffer || left < bytes) {
    launch.found(FindingKind::OutOfBounds, thread, site, "{} of {} bytes, {}",
                 accessName(kind), bytes,
                 buffer ? fmt::format("{} bytes before the end of buffer {} "
                                      "({} bytes)",
                                      left, quote(buffer->name), buffer->bytes)
                        : memory.describe(address));
    return false;
  }
  if (kind != AccessKind::Load && buffer->readOnly) {
    launch.found(FindingKind::OutOfBounds, thread, site,
                 "{} to the read-only buffer {}", accessName(kind),
                 quote(buffer->name));
    return false;
  }
  if (launch.configuration().overlaps && !thread.hasWaited)
    checkOrder(thread, site, *buffer, address, bytes, kind);
  if (kind == AccessKind::Store)
    noteStore(thread, site, *buffer, address, bytes);
  if (kind != AccessKind::Store)
    launch.counters().globalBytesRead += bytes;
  if (kind != AccessKind::Load)
    launch.counters().globalBytesWritten += bytes;
  return true;
}

Block *sharedOwner(Thread &thread, const void *address) {
  const SharedWindows &windows = thread.launch().device().windows;
  if (!windows.contains(address))
    return nullptr;
  const void *base = windows.window(windows.indexOf(address));
  for (Block &block : thread.block->cluster->blocks)
    if (block.shared.data() == base)
      return &block;
  return nullptr;
}

bool checkAccess(Thread &thread, const Site &site, unsigned space,
                 const void *address, uint64_t bytes, AccessKind kind) {
  Block *owner = sharedOwner(thread, address);
  bool wantsShared = space == 3 || space == 7;
  if (owner && (owner == thread.block || space != 3) &&
      (wantsShared || space == 0))
    return checkShared(thread, site, *owner, address, bytes, kind);
  if (wantsShared) {
    thread.launch().found(
        FindingKind::OutOfBounds, thread, site,
        "{} of {} bytes of shared memory at byte {}, outside of it",
        accessName(kind), bytes,
        static_cast<const char *>(address) - thread.shared);
    return false;
  }
  if (thread.fiber.onStack(address))
    return true;
  return checkGlobal(thread, site, address, bytes, kind);
}

void countAccess(Thread &thread, const Site &site, const void *address,
                 uint32_t bytes) {
  if (thread.fiber.onStack(address))
    return;
  Launch &launch = thread.launch();
  thread.block->warps[thread.warp].accesses.add(
      site.index, thread.lane, launch.lanesOf(thread),
      launch.device().windows.contains(address),
      reinterpret_cast<uintptr_t>(address), bytes, launch.counters());
}

void *hostAccess(Thread *thread, const Site *site, void *address) {
  if (thread->fiber.onStack(address))
    return address;
  Launch &launch = thread->launch();
  thread->site = site;
  if (reinterpret_cast<uintptr_t>(address) % site->align)
    launch.found(FindingKind::Misaligned, *thread, *site,
                 "the address 0x{:x} is not aligned to {} bytes",
                 reinterpret_cast<uintptr_t>(address), site->align);
  if (site->access == AccessKind::Atomic)
    ++launch.counters().atomics;
  // Whoever polls memory lets others change it.
  if (site->isVolatile || site->access == AccessKind::Atomic)
    if (launch.random(4) == 0)
      launch.yield(*thread, site);
  if (!checkAccess(*thread, *site, site->addressSpace, address, site->bytes,
                   site->access))
    return launch.device().sink.data();
  countAccess(*thread, *site, address, site->bytes);
  return address;
}

void hostCopy(Thread *thread, const Site *site, void *to, const void *from,
              uint64_t bytes) {
  if (bytes && checkAccess(*thread, *site, 0, from, bytes, AccessKind::Load) &&
      checkAccess(*thread, *site, 0, to, bytes, AccessKind::Store))
    std::memmove(to, from, bytes);
}

void hostFill(Thread *thread, const Site *site, void *to, uint8_t value,
              uint64_t bytes) {
  if (bytes && checkAccess(*thread, *site, 0, to, bytes, AccessKind::Store))
    std::memset(to, value, bytes);
}

} // namespace moec::emulator

//===- Launch.h - One launch, from the first thread to the last -*- C++
//-*--===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Schedules the threads of the resident clusters, completes asynchronous
// operations, and collects what the report says. Operations call it.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_EMULATOR_LAUNCH_H
#define MOEC_LIB_EMULATOR_LAUNCH_H

#include "Machine.h"
#include "Retarget.h"
#include "moec/Support/Error.h"

#include <functional>

namespace moec::emulator {

/// Everything a launch uses that outlives it.
struct Device {
  Program program;
  std::shared_ptr<DeviceMemory> memory;
  StackPool stacks;
  SharedWindows windows;
  /// The thread that runs; the kernel's code reads it on entry.
  Thread *running = nullptr;
  /// Where accesses to nowhere go.
  alignas(64) std::array<char, 4096> sink = {};
};

/// Something that happens later.
struct PendingOperation {
  std::function<void()> complete;
  Cluster *cluster;
  /// Operations with the same key, unless 0, complete in order.
  uintptr_t orderedBy = 0;
};

class Launch {
public:
  Launch(Device &device, const Kernel &kernel, const LaunchConfig &config,
         void **params, const LaunchOptions &options);

  LaunchReport run();

  // What operations use.

  const LaunchOptions &options() const { return launchOptions; }
  const LaunchConfig &configuration() const { return config; }
  Device &device() { return machine; }
  Counters &counters() { return report.counters; }
  /// A number in [0, bound), by the seed; `bound` is less than 2^32. This is
  /// asked at every switch (S. Vigna, xorshift64*).
  uint64_t random(uint64_t bound) {
    generator ^= generator >> 12;
    generator ^= generator << 25;
    generator ^= generator >> 27;
    return (generator * 0x2545f4914f6cdd1d >> 32) * bound >> 32;
  }

  /// The threads of a thread's warp.
  unsigned lanesOf(const Thread &thread) const;

  /// Lets others run until wake(thread).
  void wait(Thread &thread, const Site &site, const char *what);
  void wake(Thread &thread);
  /// Lets others run first.
  void yield(Thread &thread, const Site *site);
  /// Something happened that brings the launch forward.
  void progress() { idleIterations = 0; }
  /// Counts a loop iteration; see LaunchOptions::maxIdleIterations.
  void tick(Thread &thread);
  [[noreturn]] void exitThread(Thread &thread);
  /// Runs the kernel in the running thread.
  void callKernel() { kernel.entry(params); }

  /// Eager: at once. Else some time later, at the latest when nothing else can
  /// go on.
  void defer(PendingOperation operation);

  /// Adds to the report.
  void found(FindingKind kind, const Thread &thread, const Site &site,
             std::string message);
  template <typename... Args>
  void found(FindingKind kind, const Thread &thread, const Site &site,
             fmt::format_string<Args...> format, Args &&...args) {
    found(kind, thread, site, fmt::format(format, std::forward<Args>(args)...));
  }
  /// Ends the launch after a finding that leaves no sensible way on, and does
  /// not return to `thread`.
  [[noreturn]] void abandon(Thread &thread);

  const Site &site(uint32_t index) const {
    return *machine.program.sites[index];
  }
  /// The time of a generic-proxy write or a proxy fence; never 0.
  uint32_t proxyTime() { return ++proxyTimes; }

private:
  void admitClusters();
  void start(std::array<uint32_t, 3> first, unsigned slot);
  void startThread(Block &block, unsigned index);
  void fillRegisters(Thread &thread) const;
  Thread *pick();
  bool completeOne();
  void retire();
  void reportStall();

  Device &machine;
  const Kernel &kernel;
  const LaunchConfig config;
  void **params;
  const LaunchOptions launchOptions;
  LaunchReport report;
  uint64_t generator;

  std::vector<std::array<uint32_t, 3>> waitingClusters;
  std::vector<std::unique_ptr<Cluster>> clusters;
  std::vector<unsigned> freeSlots;
  std::vector<Thread *> ready, spinning;
  std::vector<PendingOperation> pending;
  uint64_t idleIterations = 0;
  uint32_t serial = 0, proxyTimes = 0;
  bool abandoned = false;
  llvm::StringMap<size_t> findingIndex;
};

/// Does `perform` once all lanes of `mask` came to `site`, in the last of them.
/// Slots of the others are theirs and stay in place meanwhile.
void gatherWarp(Thread &thread, const Site &site, uint32_t mask,
                const uint64_t *in, uint64_t *out,
                llvm::function_ref<void(Gathering &)> perform);

/// The same for the 128 threads of a warpgroup.
void gatherWarpgroup(Thread &thread, const Site &site, const uint64_t *in,
                     uint64_t *out,
                     llvm::function_ref<void(Gathering &)> perform);

/// The block of the thread's cluster whose shared memory holds `address`, or
/// null.
Block *sharedOwner(Thread &thread, const void *address);

/// A barrier may have waited for all but this thread.
void threadExited(Thread &thread);

/// The same of barrier.cluster.
void completeClusterBarrier(Cluster &cluster);

/// Whether a proxy fence of `reader` or of the writer covers a generic write at
/// `time` by the agent `writer`.
bool isProxyFenced(const Thread &reader, uint32_t time, uint32_t writer);

/// A point where all `threads` learn what each of them knows.
void synchronize(llvm::ArrayRef<Thread *> threads);

/// Checks an access to shared memory of `owner` by `thread`; false if it is
/// out of bounds and must not be done.
bool checkShared(Thread &thread, const Site &site, Block &owner,
                 const void *address, uint64_t bytes, AccessKind kind);

/// Reports what SharedMemory found about an access of `what`.
void reportFault(const Thread &thread, const Site &site, const Block &owner,
                 const AccessFault &fault, llvm::StringRef what);

/// The same for an address in LLVM's address space `space`.
bool checkAccess(Thread &thread, const Site &site, unsigned space,
                 const void *address, uint64_t bytes, AccessKind kind);

/// Counts the banks or sectors of an access that is done.
void countAccess(Thread &thread, const Site &site, const void *address,
                 uint32_t bytes);

/// Checks an access to global memory; false if it must not be done.
bool checkGlobal(Thread &thread, const Site &site, const void *address,
                 uint64_t bytes, AccessKind kind);

} // namespace moec::emulator

#endif // MOEC_LIB_EMULATOR_LAUNCH_H

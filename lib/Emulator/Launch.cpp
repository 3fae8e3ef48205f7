//===- Launch.cpp - One launch, from the first thread to the last ---------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The scheduler. Clusters start in random order, a few at a time; of the ready
// threads the one woken last runs next, which keeps a warp together, and now
// and then any other.
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "llvm/ADT/STLExtras.h"

#include <chrono>

using namespace llvm;

namespace moec::emulator {

/// Loop iterations after which a thread gives others a turn.
static constexpr uint32_t turnIterations = 4096;

Launch &Thread::launch() const { return *block->cluster->launch; }

Accessor Thread::accessor(const Site &at) const {
  return {agent, warp, clock, at};
}

const Thread *Cluster::threadOf(uint32_t agent) const {
  if (agent >= threads)
    return nullptr;
  unsigned perBlock = blocks.front().threads.size();
  return &blocks[agent / perBlock].threads[agent % perBlock];
}

Launch::Launch(Device &device, const Kernel &kernel, const LaunchConfig &config,
               void **params, const LaunchOptions &options)
    : machine(device), kernel(kernel), config(config), params(params),
      launchOptions(options), generator(options.seed * 0x9e3779b97f4a7c15 | 1) {
  report.kernel = kernel.name;
  for (uint32_t z = 0; z < config.grid.z; z += config.cluster.z)
    for (uint32_t y = 0; y < config.grid.y; y += config.cluster.y)
      for (uint32_t x = 0; x < config.grid.x; x += config.cluster.x)
        waitingClusters.push_back({x, y, z});
  for (size_t i = waitingClusters.size(); i > 1; --i)
    std::swap(waitingClusters[i - 1], waitingClusters[random(i)]);
  for (unsigned slot = options.residentClusters; slot-- > 0;)
    freeSlots.push_back(slot);
}

LaunchReport Launch::run() {
  auto start = std::chrono::steady_clock::now();
  machine.memory->beginLaunch(config.overlaps);
  while (!abandoned) {
    admitClusters();
    if (Thread *thread = pick()) {
      machine.running = thread;
      ++report.counters.threadSwitches;
      thread->fiber.resume();
      if (launchOptions.completion == Completion::Random && random(16) == 0)
        completeOne();
      if (thread->state == ThreadState::Done)
        retire();
      continue;
    }
    if (clusters.empty())
      break;
    bool completed = completeOne();
    std::swap(ready, spinning);
    if (!completed && ready.empty()) {
      reportStall();
      break;
    }
  }
  machine.running = nullptr;
  report.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  return std::move(report);
}

void Launch::admitClusters() {
  while (!freeSlots.empty() && !waitingClusters.empty()) {
    start(waitingClusters.back(), freeSlots.back());
    waitingClusters.pop_back();
    freeSlots.pop_back();
  }
}

void Launch::start(std::array<uint32_t, 3> first, unsigned slot) {
  clusters.push_back(std::make_unique<Cluster>());
  Cluster &cluster = *clusters.back();
  unsigned numBlocks = config.cluster.count();
  unsigned numThreads = config.block.count();
  cluster.launch = this;
  cluster.slot = slot;
  cluster.threads = numBlocks * numThreads;
  cluster.agents = cluster.threads + numBlocks * mbarrierAgents;
  cluster.blocks = std::vector<Block>(numBlocks);
  cluster.live = numBlocks;
  for (unsigned rank = 0; rank < numBlocks; ++rank) {
    Block &block = cluster.blocks[rank];
    const Dim3 &shape = config.cluster;
    block.cluster = &cluster;
    block.rank = rank;
    block.serial = ++serial;
    block.id = {first[0] + rank % shape.x, first[1] + rank / shape.x % shape.y,
                first[2] + rank / shape.x / shape.y};
    block.live = numThreads;
    unsigned numWarps = (numThreads + warpSize - 1) / warpSize;
    // One reader more: other blocks and asynchronous operations.
    block.shared.reset(machine.windows.window(slot * numBlocks + rank),
                       machine.program.dynamicOffset + config.dynamicShared,
                       numWarps + 1);
    block.warps = std::vector<Warp>(numWarps);
    block.warpgroups = std::vector<Gathering>((numWarps + 3) / 4);
    block.threads = std::vector<Thread>(numThreads);
    for (unsigned index = 0; index < numThreads; ++index)
      startThread(block, index);
  }
}

static void runKernel(void *argument) {
  Thread &thread = *static_cast<Thread *>(argument);
  thread.launch().callKernel();
  thread.launch().exitThread(thread);
}

void Launch::startThread(Block &block, unsigned index) {
  Cluster &cluster = *block.cluster;
  Thread &thread = block.threads[index];
  thread.shared = block.shared.data();
  thread.block = &block;
  thread.index = index;
  thread.agent = block.rank * config.block.count() + index;
  thread.lane = index % warpSize;
  thread.warp = index / warpSize;
  thread.clock = VectorClock(cluster.agents);
  thread.advance();
  thread.iterationsLeft = turnIterations;
  fillRegisters(thread);
  size_t stack = size_t(cluster.slot) * cluster.threads + thread.agent;
  thread.fiber.start(machine.stacks.stack(stack), machine.stacks.stackBytes(),
                     runKernel, &thread);
  ready.push_back(&thread);
}

void Launch::fillRegisters(Thread &thread) const {
  auto set = [&](unsigned at, const Dim3 &value) {
    thread.registers[at] = value.x;
    thread.registers[at + 1] = value.y;
    thread.registers[at + 2] = value.z;
  };
  auto split = [](uint32_t index, const Dim3 &shape) {
    return Dim3{index % shape.x, index / shape.x % shape.y,
                index / shape.x / shape.y};
  };
  const Block &block = *thread.block;
  Dim3 id{block.id[0], block.id[1], block.id[2]};
  const Dim3 &shape = config.cluster, &grid = config.grid;
  set(RegTid, split(thread.index, config.block));
  set(RegNtid, config.block);
  set(RegCtaid, id);
  set(RegNctaid, grid);
  set(RegClusterid, {id.x / shape.x, id.y / shape.y, id.z / shape.z});
  set(RegNclusterid, {grid.x / shape.x, grid.y / shape.y, grid.z / shape.z});
  set(RegClusterCtaid, split(block.rank, shape));
  set(RegClusterNctaid, shape);
  uint32_t own = 1u << thread.lane;
  const std::pair<SpecialRegister, uint64_t> single[] = {
      {RegClusterCtarank, block.rank},
      {RegClusterNctarank, shape.count()},
      {RegLaneid, thread.lane},
      {RegWarpid, thread.warp},
      {RegNwarpid, block.warps.size()},
      {RegWarpSize, warpSize},
      {RegLanemaskEq, own},
      {RegLanemaskLe, own | (own - 1)},
      {RegLanemaskLt, own - 1},
      {RegLanemaskGe, ~(own - 1)},
      {RegLanemaskGt, ~(own | (own - 1))},
      // One multiprocessor for each resident block.
      {RegSmid, block.cluster->slot * shape.count() + block.rank},
      {RegNsmid, launchOptions.residentClusters * shape.count()},
      {RegGridid, 1},
      {RegDynamicSmemSize, config.dynamicShared},
      {RegTotalSmemSize, block.shared.size()}};
  for (auto [at, value] : single)
    thread.registers[at] = value;
}

unsigned Launch::lanesOf(const Thread &thread) const {
  return std::min<unsigned>(warpSize, thread.block->threads.size() -
                                          thread.warp * warpSize);
}

Thread *Launch::pick() {
  if (ready.empty())
    return nullptr;
  if (random(8) == 0)
    std::swap(ready[random(ready.size())], ready.back());
  Thread *thread = ready.back();
  ready.pop_back();
  thread->state = ThreadState::Ready;
  return thread;
}

void Launch::wait(Thread &thread, const Site &site, const char *what) {
  thread.state = ThreadState::Waiting;
  thread.site = &site;
  thread.waitsFor = what;
  thread.fiber.suspend();
}

void Launch::wake(Thread &thread) {
  thread.state = ThreadState::Ready;
  ready.push_back(&thread);
}

void Launch::yield(Thread &thread, const Site *site) {
  thread.state = ThreadState::Spinning;
  if (site)
    thread.site = site;
  spinning.push_back(&thread);
  thread.fiber.suspend();
}

void Launch::tick(Thread &thread) {
  if (--thread.iterationsLeft)
    return;
  thread.iterationsLeft = turnIterations;
  idleIterations += turnIterations;
  if (idleIterations > launchOptions.maxIdleIterations) {
    found(FindingKind::NoProgress, thread, thread.site ? *thread.site : site(0),
          "{} loop iterations of all threads passed and nothing came of it; "
          "this thread is in a loop after the operation named here",
          idleIterations);
    abandon(thread);
  }
  yield(thread, nullptr);
}

void Launch::exitThread(Thread &thread) {
  thread.state = ThreadState::Done;
  progress();
  Block &block = *thread.block;
  --block.live;
  block.warps[thread.warp].exited |= 1u << thread.lane;
  threadExited(thread);
  if (block.live == 0) {
    machine.memory->letNextBegin(!config.overlaps || block.hasWaited);
    --block.cluster->live;
  }
  thread.fiber.suspend();
  llvm_unreachable("a thread that has exited was resumed");
}

void Launch::abandon(Thread &thread) {
  abandoned = true;
  thread.fiber.suspend();
  llvm_unreachable("a thread of an abandoned launch was resumed");
}

void Launch::retire() {
  for (size_t i = 0; i < clusters.size(); ++i) {
    if (clusters[i]->live)
      continue;
    // What is still under way belongs to nobody, but it does happen.
    for (size_t j = 0; j < pending.size();)
      if (pending[j].cluster == clusters[i].get()) {
        PendingOperation operation = std::move(pending[j]);
        pending.erase(pending.begin() + j);
        operation.complete();
      } else {
        ++j;
      }
    for (Block &block : clusters[i]->blocks)
      for (Warp &warp : block.warps)
        warp.accesses.flush(report.counters);
    freeSlots.push_back(clusters[i]->slot);
    clusters.erase(clusters.begin() + i);
    return;
  }
}

void Launch::defer(PendingOperation operation) {
  if (launchOptions.completion == Completion::Eager)
    operation.complete();
  else
    pending.push_back(std::move(operation));
}

/// Lazy: the newest; random: any. Never before an older one of the same order.
bool Launch::completeOne() {
  if (pending.empty())
    return false;
  size_t chosen = launchOptions.completion == Completion::Random
                      ? random(pending.size())
                      : pending.size() - 1;
  if (uintptr_t key = pending[chosen].orderedBy)
    chosen = llvm::find_if(pending,
                           [&](const PendingOperation &operation) {
                             return operation.orderedBy == key;
                           }) -
             pending.begin();
  PendingOperation operation = std::move(pending[chosen]);
  pending.erase(pending.begin() + chosen);
  progress();
  operation.complete();
  return true;
}

void Launch::found(FindingKind kind, const Thread &thread, const Site &site,
                   std::string message) {
  std::string key =
      fmt::format("{}:{}:{}", unsigned(kind), site.index, StringRef(site.text));
  auto [entry, fresh] = findingIndex.try_emplace(key, report.findings.size());
  if (!fresh) {
    if (entry->second < report.findings.size())
      ++report.findings[entry->second].count;
    return;
  }
  if (report.findings.size() >= launchOptions.maxFindings) {
    entry->second = ~size_t(0);
    ++report.dropped;
    return;
  }
  report.findings.push_back({kind, kernel.name, thread.block->id,
                             thread.threadIdx(), site.text, site.location,
                             std::move(message)});
}

} // namespace moec::emulator

//===- Affinity.cpp - the CPUs this process may use -----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the affinity mask and the control group's quota. A container limited to
// two CPUs of time on a large machine sees all CPUs in its mask, and would
// spend its quota on spinning if the quota were not looked at.
//
//===----------------------------------------------------------------------===//

#include "Affinity.h"

#include <algorithm>
#include <charconv>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

namespace moec {

/// The most CPUs that are looked at.
static constexpr int kMaxCpus = 8192;

std::vector<int> allowedCpus() {
  std::vector<int> cpus;
  cpu_set_t *set = CPU_ALLOC(kMaxCpus);
  size_t bytes = CPU_ALLOC_SIZE(kMaxCpus);
  if (set && sched_getaffinity(0, bytes, set) == 0)
    for (int cpu = 0; cpu < kMaxCpus; ++cpu)
      if (CPU_ISSET_S(cpu, bytes, set))
        cpus.push_back(cpu);
  CPU_FREE(set);
  if (cpus.empty())
    cpus.push_back(0);
  return cpus;
}

int32_t parseCpuQuota(std::string_view cpuMax) {
  int64_t quota = 0, period = 0;
  const char *end = cpuMax.data() + cpuMax.size();
  auto first = std::from_chars(cpuMax.data(), end, quota);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ')
    return 0;
  auto second = std::from_chars(first.ptr + 1, end, period);
  if (second.ec != std::errc() || quota <= 0 || period <= 0)
    return 0;
  int64_t cpus = quota / period + (quota % period != 0);
  return int32_t(std::min<int64_t>(cpus, kMaxCpus));
}

/// The text of the control group's limit as a container sees it, or "".
static std::string_view readCpuMax(char *buffer, size_t size) {
  int file = open("/sys/fs/cgroup/cpu.max", O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return {};
  ssize_t count = read(file, buffer, size);
  close(file);
  return {buffer, count > 0 ? size_t(count) : 0};
}

int32_t usableCpuCount() {
  int32_t cpus = int32_t(allowedCpus().size());
  char buffer[64];
  int32_t quota = parseCpuQuota(readCpuMax(buffer, sizeof(buffer)));
  return quota > 0 ? std::min(cpus, quota) : cpus;
}

void pinThisThread(int cpu) {
  if (cpu < 0 || cpu >= kMaxCpus)
    return;
  cpu_set_t *set = CPU_ALLOC(kMaxCpus);
  if (!set)
    return;
  size_t bytes = CPU_ALLOC_SIZE(kMaxCpus);
  CPU_ZERO_S(bytes, set);
  CPU_SET_S(cpu, bytes, set);
  (void)pthread_setaffinity_np(pthread_self(), bytes, set);
  CPU_FREE(set);
}

} // namespace moec

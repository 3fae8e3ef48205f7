//===- CpuUsage.cpp - Who else uses the CPUs ------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The first line of /proc/stat has the ticks of all CPUs in user, nice, system,
// idle, iowait, irq, softirq and steal (proc_stat(5)).
//
//===----------------------------------------------------------------------===//

#include "CpuUsage.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace moec::perf {

static double busySeconds() {
  std::ifstream file("/proc/stat");
  std::string cpu;
  file >> cpu;
  constexpr int fields = 8, idle = 3, iowait = 4;
  int64_t ticks = 0, count = 0;
  for (int field = 0; field < fields && file >> count; ++field)
    if (field != idle && field != iowait)
      ticks += count;
  return double(ticks) / double(sysconf(_SC_CLK_TCK));
}

static double ownSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval &time) {
    return double(time.tv_sec) + double(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

static double clockSeconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

CpuUsage::CpuUsage()
    : now(clockSeconds()), busy(busySeconds()), own(ownSeconds()) {}

double CpuUsage::othersSince() const {
  CpuUsage end;
  double others = (end.busy - busy) - (end.own - own);
  return std::max(0.0, others / (end.now - now));
}

} // namespace moec::perf

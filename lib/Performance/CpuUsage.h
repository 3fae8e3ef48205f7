//===- CpuUsage.h - Who else uses the CPUs ----------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_PERFORMANCE_CPUUSAGE_H
#define MOEC_LIB_PERFORMANCE_CPUUSAGE_H

namespace moec::perf {

/// CPU time up to a moment.
class CpuUsage {
public:
  /// Until now.
  CpuUsage();

  /// CPUs that other processes, and the host of a virtual machine, took from
  /// then on: 0.5 is half a CPU. 0 where the system does not tell.
  double othersSince() const;

private:
  /// Seconds: the clock's, those of all CPUs not idle, those of this process.
  double now, busy, own;
};

} // namespace moec::perf

#endif // MOEC_LIB_PERFORMANCE_CPUUSAGE_H

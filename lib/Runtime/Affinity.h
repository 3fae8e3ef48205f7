//===- Affinity.h - the CPUs this process may use ---------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How many threads are worth having, and tying one to a CPU.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_AFFINITY_H
#define MOEC_LIB_RUNTIME_AFFINITY_H

#include <cstdint>
#include <string_view>
#include <vector>

namespace moec {

/// The numbers of the CPUs the calling thread may run on, ascending.
std::vector<int> allowedCpus();

/// The CPU time a control group grants, in CPUs rounded up, from the text of
/// its `cpu.max` file ("QUOTA PERIOD" or "max PERIOD"); 0 where it sets no
/// limit.
int32_t parseCpuQuota(std::string_view cpuMax);

/// How many threads can run at once: the allowed CPUs, or the control group's
/// share of CPU time where that is less. At least 1.
int32_t usableCpuCount();

/// Ties the calling thread to `cpu`. Only a wish: failure changes nothing.
void pinThisThread(int cpu);

} // namespace moec

#endif // MOEC_LIB_RUNTIME_AFFINITY_H

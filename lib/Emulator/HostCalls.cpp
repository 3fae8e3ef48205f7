//===- HostCalls.cpp - What the kernel's code calls -----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions that are not about memory; those are in Access.cpp.
//
//===----------------------------------------------------------------------===//

#include "HostCalls.h"
#include "Launch.h"

namespace moec::emulator {

void hostExecute(Thread *thread, const Site *site, const uint64_t *in,
                 uint64_t *out) {
  thread->site = site;
  site->operation(*thread, *site, in, out);
}

void hostTick(Thread *thread) { thread->launch().tick(*thread); }

void hostTrap(Thread *thread, const Site *site) {
  Launch &launch = thread->launch();
  launch.found(FindingKind::Trap, *thread, *site,
               "the kernel came to a point that it must not reach");
  launch.abandon(*thread);
}

uint64_t hostDivisor(Thread *thread, const Site *site, uint64_t divisor) {
  if (divisor)
    return divisor;
  thread->launch().found(FindingKind::DivisionByZero, *thread, *site,
                         "an integer is divided by zero");
  return 1;
}

} // namespace moec::emulator

//===- HostCalls.h - What the kernel's code calls --------------*- C++ -*--===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Plain functions with C's calling convention, whose addresses retargeting
// writes into the code.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_EMULATOR_HOSTCALLS_H
#define MOEC_LIB_EMULATOR_HOSTCALLS_H

#include "Site.h"

namespace moec::emulator {

/// Does the operation of a site.
void hostExecute(Thread *thread, const Site *site, const uint64_t *in,
                 uint64_t *out);

/// Checks an access and returns where to do it: at `address`, or where it harms
/// nobody.
void *hostAccess(Thread *thread, const Site *site, void *address);

/// memcpy and memmove, memset.
void hostCopy(Thread *thread, const Site *site, void *to, const void *from,
              uint64_t bytes);
void hostFill(Thread *thread, const Site *site, void *to, uint8_t value,
              uint64_t bytes);

/// Once for each loop iteration.
void hostTick(Thread *thread);

/// The end of a thread that must not go on.
void hostTrap(Thread *thread, const Site *site);

/// Reports a division by zero or one that overflows, and returns a divisor that
/// does not trap.
uint64_t hostDivisor(Thread *thread, const Site *site, uint64_t divisor);

} // namespace moec::emulator

#endif // MOEC_LIB_EMULATOR_HOSTCALLS_H

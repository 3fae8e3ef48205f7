//===- Fiber.h - Stacks and switches ---------------------------*- C++ -*--===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One emulated thread runs on one fiber: a stack and the registers a function
// keeps for its caller. A switch is a dozen instructions on x86-64; elsewhere
// ucontext does it, with two system calls.
//
// A fiber may be dropped in the middle of a function without unwinding, so
// nothing that owns memory may live across suspend().
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_EMULATOR_FIBER_H
#define MOEC_LIB_EMULATOR_FIBER_H

#include "llvm/Support/Error.h"

#include <cstddef>
#ifndef __x86_64__
#include <ucontext.h>
#endif

namespace moec::emulator {

class Fiber {
public:
  using Entry = void (*)(void *);

  /// Makes resume() call entry(argument) on the stack of `bytes` bytes at
  /// `stack`. `entry` must not return; it suspends for good instead.
  void start(char *stack, size_t bytes, Entry entry, void *argument);
  /// Runs the fiber until it suspends itself.
  void resume();
  /// Goes back to who called resume().
  void suspend();

  bool onStack(const void *address) const {
    return address >= stack && address < stack + bytes;
  }

private:
  friend void enterFiber(Fiber &fiber);

  char *stack = nullptr;
  size_t bytes = 0;
  Entry entry = nullptr;
  void *argument = nullptr;
#ifdef __x86_64__
  void *own = nullptr, *caller = nullptr;
#else
  ucontext_t own, caller;
#endif
  /// What the address sanitizer wants to know of the other stack.
  void *fakeStack = nullptr;
  const void *callerStack = nullptr;
  size_t callerBytes = 0;
};

/// Stacks with a guard page below each, reserved together and kept for the next
/// launch.
class StackPool {
public:
  StackPool() = default;
  StackPool(const StackPool &) = delete;
  StackPool &operator=(const StackPool &) = delete;
  ~StackPool();

  /// Makes `count` stacks of at least `bytes` bytes each available.
  llvm::Error reserve(size_t count, size_t bytes);
  char *stack(size_t index) const { return base + index * stride + guard; }
  size_t stackBytes() const { return stride - guard; }

private:
  static constexpr size_t guard = 4096;

  char *base = nullptr;
  size_t count = 0, stride = 0;
};

} // namespace moec::emulator

#endif // MOEC_LIB_EMULATOR_FIBER_H

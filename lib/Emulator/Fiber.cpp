//===- Fiber.cpp - Stacks and switches ------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Switching between stacks, told to the address sanitizer where there is one.
//
//===----------------------------------------------------------------------===//

#include "Fiber.h"
#include "moec/Support/Error.h"

#include <cassert>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <sys/mman.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MOEC_ASAN 1
#endif
#endif
#ifdef MOEC_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

using namespace llvm;

#ifdef __x86_64__
extern "C" void moec_switch_stack(void **save, void *load);
// Saves what the System V ABI lets a callee expect to find again.
asm(R"(
  .text
  .p2align 4
  .globl moec_switch_stack
  .hidden moec_switch_stack
  .type moec_switch_stack, @function
moec_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size moec_switch_stack, . - moec_switch_stack
)");
#endif

namespace moec::emulator {

static void beginSwitch([[maybe_unused]] void **fakeStack,
                        [[maybe_unused]] const void *stack,
                        [[maybe_unused]] size_t bytes) {
#ifdef MOEC_ASAN
  __sanitizer_start_switch_fiber(fakeStack, stack, bytes);
#endif
}

static void endSwitch([[maybe_unused]] void *fakeStack,
                      [[maybe_unused]] const void **fromStack,
                      [[maybe_unused]] size_t *fromBytes) {
#ifdef MOEC_ASAN
  __sanitizer_finish_switch_fiber(fakeStack, fromStack, fromBytes);
#endif
}

void enterFiber(Fiber &fiber) {
  endSwitch(nullptr, &fiber.callerStack, &fiber.callerBytes);
  fiber.entry(fiber.argument);
  llvm_unreachable("a fiber suspends for good instead of returning");
}

#ifdef __x86_64__

/// The first function on a new stack finds its fiber in a register that the
/// switch loads.
extern "C" [[gnu::used, gnu::visibility("hidden")]] void
moec_enter_fiber(Fiber *fiber) {
  enterFiber(*fiber);
}

asm(R"(
  .text
  .hidden moec_fiber_trampoline
  .type moec_fiber_trampoline, @function
moec_fiber_trampoline:
  movq %rbx, %rdi
  callq moec_enter_fiber
  ud2
  .size moec_fiber_trampoline, . - moec_fiber_trampoline
)");
extern "C" void moec_fiber_trampoline();

static void prepare(void *&own, char *stack, size_t bytes, Fiber *fiber) {
  // The frame that moec_switch_stack pops: six registers and the return
  // address; the stack is aligned to 16 after that.
  auto *top = reinterpret_cast<void **>(stack + bytes - 64);
  *--top = nullptr;
  *--top = nullptr;
  *--top = reinterpret_cast<void *>(&moec_fiber_trampoline);
  void *saved[] = {nullptr, nullptr, nullptr, nullptr, fiber, nullptr};
  top -= std::size(saved);
  std::memcpy(top, saved, sizeof saved);
  own = top;
}

static void switchStack(void *&save, void *&load) {
  moec_switch_stack(&save, load);
}

#else

static void enterFiberSplit(unsigned high, unsigned low) {
  enterFiber(*reinterpret_cast<Fiber *>(uintptr_t(uint64_t(high) << 32 | low)));
}

static void prepare(ucontext_t &own, char *stack, size_t bytes, Fiber *fiber) {
  getcontext(&own);
  own.uc_stack.ss_sp = stack;
  own.uc_stack.ss_size = bytes;
  own.uc_link = nullptr;
  uint64_t bits = reinterpret_cast<uintptr_t>(fiber);
  makecontext(&own, reinterpret_cast<void (*)()>(enterFiberSplit), 2,
              unsigned(bits >> 32), unsigned(bits));
}

static void switchStack(ucontext_t &save, ucontext_t &load) {
  swapcontext(&save, &load);
}

#endif

void Fiber::start(char *newStack, size_t newBytes, Entry newEntry,
                  void *newArgument) {
  stack = newStack;
  bytes = newBytes;
  entry = newEntry;
  argument = newArgument;
#ifdef MOEC_ASAN
  // A dropped fiber leaves its frames' poison behind.
  __asan_unpoison_memory_region(stack, bytes);
#endif
  prepare(own, stack, bytes, this);
}

void Fiber::resume() {
  void *ownFake = nullptr;
  beginSwitch(&ownFake, stack, bytes);
  switchStack(caller, own);
  endSwitch(ownFake, nullptr, nullptr);
}

void Fiber::suspend() {
  beginSwitch(&fakeStack, callerStack, callerBytes);
  switchStack(own, caller);
  endSwitch(fakeStack, &callerStack, &callerBytes);
}

StackPool::~StackPool() {
  if (base)
    munmap(base, count * stride);
}

Error StackPool::reserve(size_t newCount, size_t newBytes) {
  size_t newStride = (newBytes + 4095) / 4096 * 4096 + guard;
  if (newCount <= count && newStride <= stride)
    return Error::success();
  if (base)
    munmap(base, count * stride);
  base = nullptr;
  void *memory = mmap(nullptr, newCount * newStride, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return inputError("cannot reserve {} stacks of {} for the block's threads: "
                      "{}; launch smaller blocks",
                      newCount, formatBytes(newStride), std::strerror(errno));
  base = static_cast<char *>(memory);
  count = newCount;
  stride = newStride;
  for (size_t i = 0; i < count; ++i)
    mprotect(base + i * stride, guard, PROT_NONE);
  return Error::success();
}

} // namespace moec::emulator

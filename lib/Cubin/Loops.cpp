//===- Loops.cpp - The innermost loops of a kernel ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A branch back is a loop's if its target dominates it. Code that spins on a
// barrier out of line jumps back into the middle of a loop: such a branch is
// none. A loop that was unrolled whole is told by its products.
//
//===----------------------------------------------------------------------===//

#include "moec/Cubin/Cubin.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace moec::cubin {

/// Whether an instruction computes, or moves what is computed with.
static bool works(const Instruction &instruction) {
  switch (instruction.kind) {
  case OpClass::Tensor:
  case OpClass::Fragment:
  case OpClass::Copy:
  case OpClass::GlobalLoad:
  case OpClass::GlobalStore:
  case OpClass::SharedLoad:
  case OpClass::SharedStore:
  case OpClass::Float:
  case OpClass::Convert:
    return true;
  default:
    return false;
  }
}

/// The target of the branch at `at`, if it is one and its target is inside.
static std::optional<size_t> targetOf(ArrayRef<Instruction> code, size_t at) {
  if (!code[at].branch)
    return std::nullopt;
  int64_t room = int64_t(code.size()), distance = *code[at].branch;
  if (distance < -room || distance > room)
    return std::nullopt;
  int64_t target = int64_t(at) + 1 + distance;
  if (target < 0 || target >= room)
    return std::nullopt;
  return size_t(target);
}

/// Whether every way from the first instruction to `to` leads through
/// `through`.
static bool dominates(ArrayRef<Instruction> code, size_t through, size_t to) {
  BitVector seen(unsigned(code.size()));
  std::vector<size_t> open;
  auto visit = [&](size_t at) {
    if (at >= code.size() || at == through || seen.test(unsigned(at)))
      return;
    seen.set(unsigned(at));
    open.push_back(at);
  };
  visit(0);
  while (!open.empty()) {
    size_t at = open.back();
    open.pop_back();
    if (std::optional<size_t> target = targetOf(code, at))
      visit(*target);
    if (!code[at].ends)
      visit(at + 1);
  }
  return !seen.test(unsigned(to));
}

/// Whether `loop` shares instructions with one of `others`.
static bool meetsAny(const Loop &loop, ArrayRef<Loop> others) {
  return any_of(others, [&](const Loop &other) {
    return other.begin < loop.begin + loop.code.size() &&
           loop.begin < other.begin + other.code.size();
  });
}

std::vector<Loop> innermostLoops(ArrayRef<Instruction> code) {
  std::vector<Loop> loops;
  for (size_t at = 0; at < code.size(); ++at) {
    std::optional<size_t> begin = targetOf(code, at);
    if (!begin || *begin > at)
      continue;
    Loop loop{*begin, code.slice(*begin, at + 1 - *begin)};
    if (!any_of(loop.code, works) || !dominates(code, *begin, at))
      continue;
    // Branches back to one place are ways through one loop.
    erase_if(loops, [&](const Loop &other) { return other.begin == *begin; });
    loops.push_back(loop);
  }
  // Shorter ones first: those are inside.
  llvm::sort(loops, [](const Loop &a, const Loop &b) {
    return std::pair(a.code.size(), a.begin) <
           std::pair(b.code.size(), b.begin);
  });
  std::vector<Loop> inner;
  for (const Loop &loop : loops)
    if (!meetsAny(loop, inner))
      inner.push_back(loop);
  llvm::sort(inner,
             [](const Loop &a, const Loop &b) { return a.begin < b.begin; });
  return inner;
}

std::vector<Loop> unrolledLoops(ArrayRef<Instruction> code,
                                ArrayRef<Loop> loops) {
  std::vector<Loop> unrolled;
  size_t begin = 0, end = 0;
  auto finish = [&] {
    Loop loop{begin, code.slice(begin, end - begin)};
    if (begin < end && !meetsAny(loop, loops))
      unrolled.push_back(loop);
  };
  bool ended = true;
  for (auto [at, instruction] : enumerate(code)) {
    bool multiplies = instruction.kind == OpClass::Tensor;
    bool begins = instruction.kind == OpClass::Copy ||
                  instruction.kind == OpClass::Fragment || multiplies;
    ended |= instruction.isBarrier;
    // The last products may stand behind the barrier.
    if (begins && ended && !(multiplies && begin < end)) {
      finish();
      begin = end = at;
      ended = false;
    }
    if (multiplies)
      end = at + 1;
  }
  finish();
  return unrolled;
}

} // namespace moec::cubin

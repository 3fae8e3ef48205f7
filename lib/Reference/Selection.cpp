//===- Selection.cpp - choosing the best of some scores ---------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two scores whose difference is within their bounds may come in either order.
// If they have the same value and the same bound, they come from the same
// operations on the same inputs, are equal in every implementation, and the
// lower index has to win.
//
//===----------------------------------------------------------------------===//

#include "Selection.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace llvm;

namespace moec::reference {

/// Whether score `a` at index `i` comes before `b` at index `j`.
static bool comesBefore(double a, int64_t i, double b, int64_t j) {
  if (std::isnan(a) != std::isnan(b))
    return std::isnan(b);
  if (std::isnan(a) || a == b)
    return i < j;
  return a > b;
}

/// How clear it is that `first` comes before `second`, which it does.
static Clearness clearnessOf(Number first, Number second) {
  double bound = first.error + second.error;
  if (bound == infinity)
    return {0, infinity};
  if (std::isnan(first.value) || std::isnan(second.value))
    return {};
  bool isTie = first.value == second.value &&
               std::abs(first.error - second.error) <= 1e-6 * bound;
  return isTie ? Clearness{} : Clearness{first.value - second.value, bound};
}

/// Whether no number that `other` may be keeps `candidate` from its place.
static bool mayComeFirst(ArrayRef<Number> scores, int64_t candidate,
                         ArrayRef<int64_t> others) {
  return all_of(others, [&](int64_t other) {
    if (other == candidate || comesBefore(scores[candidate].value, candidate,
                                          scores[other].value, other))
      return true;
    Clearness clearness = clearnessOf(scores[other], scores[candidate]);
    return clearness.gap <= clearness.bound;
  });
}

Selection selectBest(ArrayRef<Number> scores, int64_t count, bool isOrdered,
                     ArrayRef<int64_t> preferred) {
  SmallVector<int64_t> left(scores.size());
  std::iota(left.begin(), left.end(), 0);
  llvm::sort(left, [&](int64_t i, int64_t j) {
    return comesBefore(scores[i].value, i, scores[j].value, j);
  });
  Selection result;
  while (static_cast<int64_t>(result.picks.size()) < count) {
    int64_t pick = left.front();
    for (int64_t wish : preferred)
      if (is_contained(left, wish) && mayComeFirst(scores, wish, left)) {
        pick = wish;
        break;
      }
    result.picks.push_back(pick);
    left.erase(llvm::find(left, pick));
  }
  // Everything picked is ahead of what was left, and of later picks if the
  // order matters.
  for (auto [place, pick] : enumerate(result.picks)) {
    auto compare = [&, pick = pick](int64_t other) {
      bool inOrder =
          comesBefore(scores[pick].value, pick, scores[other].value, other);
      Clearness clearness = inOrder ? clearnessOf(scores[pick], scores[other])
                                    : clearnessOf(scores[other], scores[pick]);
      result.clearness = std::min(result.clearness, clearness);
    };
    for_each(left, compare);
    if (isOrdered)
      for_each(ArrayRef(result.picks).drop_front(place + 1), compare);
  }
  return result;
}

} // namespace moec::reference

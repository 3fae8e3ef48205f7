//===- TeamSize.cpp - how many of a team run ------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A debt of lost time that shrinks a team, and a pause before it grows again.
//
//===----------------------------------------------------------------------===//

#include "TeamSize.h"

#include <algorithm>

namespace moec {

int32_t TeamSize::choose(int64_t now) {
  if (size < most && !trying && now >= until) {
    trying = true;
    ++size;
    // One bad turn ends a try.
    debt = kMostDebt / 2;
  }
  return size;
}

void TeamSize::ran(int64_t wall, int64_t lost, int64_t now) {
  debt = std::max<int64_t>(debt + lost - wall / kTolerated, 0);
  if (debt > kMostDebt && size > 1) {
    --size;
    debt = 0;
    pause = trying ? std::min(2 * pause, kLongestPause) : kShortestPause;
  } else if (debt == 0 && trying) {
    pause = kShortestPause;
  } else {
    return;
  }
  trying = false;
  until = now + pause;
}

} // namespace moec

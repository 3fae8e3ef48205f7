//===- VectorClock.h - What happened before what ---------------*- C++ -*--===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A clock has an entry for each agent of a cluster: its threads, and one agent
// for each mbarrier, under which asynchronous copies write. An access by agent
// a at time c is ordered before whoever's clock has at least c for a.
// (C. Flanagan, S. Freund, "FastTrack: efficient and precise dynamic race
// detection", PLDI 2009.)
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_EMULATOR_VECTORCLOCK_H
#define MOEC_LIB_EMULATOR_VECTORCLOCK_H

#include <algorithm>
#include <cstdint>
#include <vector>

namespace moec::emulator {

class VectorClock {
public:
  VectorClock() = default;
  explicit VectorClock(size_t agents) : times(agents, 0) {}

  uint32_t operator[](size_t agent) const { return times[agent]; }
  uint32_t &operator[](size_t agent) { return times[agent]; }
  bool empty() const { return times.empty(); }
  void clear() { times.clear(); }

  /// Learns all that `other` knows; an empty clock knows nothing.
  void join(const VectorClock &other) {
    if (times.empty()) {
      times = other.times;
      return;
    }
    for (size_t i = 0; i < other.times.size(); ++i)
      times[i] = std::max(times[i], other.times[i]);
  }

  /// Keeps what `other` knows too.
  void meet(const VectorClock &other) {
    for (size_t i = 0; i < times.size(); ++i)
      times[i] = std::min(times[i], other.times[i]);
  }

private:
  std::vector<uint32_t> times;
};

} // namespace moec::emulator

#endif // MOEC_LIB_EMULATOR_VECTORCLOCK_H

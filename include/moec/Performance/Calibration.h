//===- Calibration.h - What this machine can do, just now -------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rates are measured in this process beside what they are to judge: clocks,
// memory and neighbours change from minute to minute, so a time alone says
// little.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_PERFORMANCE_CALIBRATION_H
#define MOEC_PERFORMANCE_CALIBRATION_H

#include "moec/Performance/Roofline.h"

#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>

namespace moec::perf {

/// Measures rates with a team of its own.
class Calibration {
public:
  /// Starts a team, of a thread on each CPU if `threads` is 0. Fails if there
  /// is no memory or no thread for it.
  static llvm::Expected<std::unique_ptr<Calibration>> create(int32_t threads);
  ~Calibration();

  int32_t threads() const;

  /// Takes a few hundredths of a second; what was in the caches is gone
  /// afterwards. An arithmetic the CPU has no instructions for runs at the rate
  /// of f32.
  Rates measure(Arithmetic arithmetic);

  /// Reads so much else that the caches hold nothing of a layer.
  void sweepCaches();

private:
  Calibration();

  struct Team;
  std::unique_ptr<Team> team;
};

} // namespace moec::perf

#endif // MOEC_PERFORMANCE_CALIBRATION_H

//===- PeakLoops.h - Loops that do nothing but multiply or read -*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a calibration runs. Written with the instructions of several CPU
// generations; the CPU at hand decides which are run.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_PERFORMANCE_PEAKLOOPS_H
#define MOEC_LIB_PERFORMANCE_PEAKLOOPS_H

#include "moec/Performance/Calibration.h"

namespace moec::perf {

/// A loop over independent multiply-add instructions on registers.
struct PeakLoop {
  Arithmetic arithmetic;
  /// What the CPU must have, as Runtime/CpuFeatures.h names it.
  std::initializer_list<const char *> features;
  /// Multiplications and additions in one iteration.
  double operations;
  void (*run)(int64_t iterations);
};

/// The fastest loop this CPU can run; one of f32 if it has no instructions for
/// `arithmetic`.
const PeakLoop &fastestLoop(Arithmetic arithmetic);

/// Reads [begin, begin + bytes); `bytes` is a multiple of 1024.
using ReadLoop = void (*)(const char *begin, int64_t bytes);

/// The read loop with the widest loads this CPU has.
ReadLoop widestReadLoop();

} // namespace moec::perf

#endif // MOEC_LIB_PERFORMANCE_PEAKLOOPS_H

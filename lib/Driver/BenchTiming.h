//===- BenchTiming.h - Timing a layer on many rows --------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What bench and explain do to measure: inputs enough that a call's rows, and
// the experts they go to, are not those of the call before.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_BENCHTIMING_H
#define MOEC_LIB_DRIVER_BENCHTIMING_H

#include "Session.h"
#include "moec/Performance/GpuMeter.h"
#include "moec/Performance/LayerCost.h"
#include "moec/Performance/Measure.h"

namespace moec::driver {

/// Calls on a number of tokens, ready to be timed.
struct TimedCalls {
  std::vector<RunRequest> requests;
  std::vector<PreparedRun> runs;
  std::vector<perf::Work> work;
  /// Averages over the calls.
  double routed = 0, active = 0;

  /// Rows of an expert that has some, on average.
  int64_t rowsOfExpert() const;
};

/// How many calls on different rows there should be: few of long ones.
size_t usualCalls(int64_t tokens);

/// Makes `count` calls on rows [tokens, H] that `rows(seed)` gives, and asks
/// the layer itself where they go.
llvm::Expected<TimedCalls>
prepareCalls(Session &session, const SessionLayer &layer,
             const perf::LayerCost &cost, int64_t tokens, size_t count,
             llvm::function_ref<llvm::Expected<HostTensor>(uint64_t)> rows);

/// `ended` is called after each call.
llvm::Expected<perf::Timing> timeCalls(
    Session &session, const SessionLayer &layer, const perf::LayerCost &cost,
    TimedCalls &calls, perf::Calibration &calibration,
    perf::MeasureOptions options, llvm::function_ref<void()> ended = [] {});

/// The same of a layer of a bundle for the GPU, with rows in its memory.
llvm::Expected<perf::Timing>
timeCallsOnGpu(Session &session, const perf::LayerCost &cost, TimedCalls &calls,
               perf::GpuMeter &meter, perf::MeasureOptions options);

/// [values / columns, columns] of a floating-point type.
HostTensor toTensor(llvm::ArrayRef<float> values, int64_t columns, DType dtype);

/// Normal random rows that are exact in bf16.
std::vector<float> randomRows(int64_t tokens, int64_t hidden, uint64_t seed);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_BENCHTIMING_H

//===- Measure.h - Timing a layer fairly ------------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls come in chunks. Each chunk stands between two calibrations, and counts
// only if other processes left the machine alone meanwhile.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_PERFORMANCE_MEASURE_H
#define MOEC_PERFORMANCE_MEASURE_H

#include "moec/Performance/Calibration.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <vector>

namespace moec::perf {

struct MeasureOptions {
  /// Time that is enough, in seconds.
  double seconds = 1;
  /// Calls that are needed at least.
  int64_t calls = 5;
  /// How long to wait for a quiet machine, as a multiple of `seconds`.
  double patience = 4;
  /// Sweep the caches before every call.
  bool cold = false;
};

struct Timing {
  /// Median, fastest, and the tenth and ninetieth percentile, in seconds.
  double median = 0, best = 0, low = 0, high = 0;
  /// The median over calls of roofline / time.
  double rooflineRatio = 0;
  bool computeBound = false;
  /// False if the machine never became quiet: then all calls count.
  bool quiet = true;
  int64_t calls = 0;
  /// Medians over the chunks.
  Rates rates;

  /// (high - low) / median.
  double spread() const { return (high - low) / median; }
};

/// Calls `call(i)`, i being an index into `inputs`, which says what the calls
/// have to do; each call takes another input than the one before.
llvm::Expected<Timing> measure(llvm::ArrayRef<Work> inputs,
                               Arithmetic arithmetic, int32_t threads,
                               Calibration &calibration,
                               const MeasureOptions &options,
                               llvm::function_ref<llvm::Error(size_t)> call);

/// The number at `fraction` (0 to 1) of the sorted `values`.
double quantile(std::vector<double> values, double fraction);

} // namespace moec::perf

#endif // MOEC_PERFORMANCE_MEASURE_H

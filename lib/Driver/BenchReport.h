//===- BenchReport.h - What moec bench found --------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Measurements as a table and as JSON.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_BENCHREPORT_H
#define MOEC_LIB_DRIVER_BENCHREPORT_H

#include "BenchLayer.h"
#include "moec/Performance/Measure.h"

namespace moec::driver {

/// One measurement.
struct BenchCell {
  std::string shape, format;
  int64_t tokens = 0;
  int32_t threads = 0;
  Routing routing = Routing::Random;
  std::string strategy;
  perf::Timing timing;
  /// Sums over the inputs.
  int64_t inputs = 0, routed = 0, active = 0;

  void addLoad(const perf::Load &load);
  /// Of the active experts, on average, at least one.
  int64_t rowsOfExpert() const;
  /// "mixtral bf16, T = 4".
  std::string title() const;
};

std::string benchTable(const Console &console, llvm::ArrayRef<BenchCell> cells);

/// A list of objects, one for each cell.
std::string benchJson(llvm::ArrayRef<BenchCell> cells);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_BENCHREPORT_H

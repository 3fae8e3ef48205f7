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
  /// Of a CPU; or the name of the GPU.
  int32_t threads = 0;
  std::string device;
  Routing routing = Routing::Random;
  std::string strategy;
  perf::Timing timing;
  /// Experts that have a token, on average over the calls.
  double active = 0;

  /// "mixtral bf16, T = 4".
  std::string title() const;
  /// "2 threads", "GPU".
  std::string team() const;
};

/// Three digits: "0.413", "2.31", "856".
std::string threeDigits(double value);

std::string benchTable(const Console &console, llvm::ArrayRef<BenchCell> cells);

/// The share of the roofline over the number of tokens, a line for each shape,
/// format, routing and number of threads; as SVG.
std::string benchPlot(llvm::ArrayRef<BenchCell> cells);

/// A list of objects, one for each cell.
std::string benchJson(llvm::ArrayRef<BenchCell> cells);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_BENCHREPORT_H

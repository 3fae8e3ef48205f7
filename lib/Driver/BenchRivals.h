//===- BenchRivals.h - Other engines on the same layer ----------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The race itself is test/bench/rivals.py: the engines are Python packages.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_BENCHRIVALS_H
#define MOEC_LIB_DRIVER_BENCHRIVALS_H

#include "BenchLayer.h"

namespace moec::driver {

/// A time of one engine.
struct RivalCell {
  std::string shape, format, engine, version;
  int64_t tokens = 0, threads = 0;
  double milliseconds = 0, best = 0;
  /// Our time in the same race, in milliseconds.
  double ours = 0;
  /// The share of rows that are like ours.
  double agree = 0;
  bool quiet = true;

  /// How many times as long as ours.
  double ratio() const { return milliseconds / ours; }
};

struct RivalOptions {
  /// The interpreter that has the engines' packages.
  std::string python = "python3";
  std::vector<int64_t> tokens, threads;
  /// In place of a number of threads.
  static constexpr int64_t onGpu = 0;
  /// For each engine and number of tokens.
  double seconds = 1.5;
};

/// Lets the engines that are installed run the layer in turns with its bundle.
/// Says on the standard error which are missing.
llvm::Expected<std::vector<RivalCell>> raceRivals(const BenchLayer &layer,
                                                  llvm::StringRef format,
                                                  const RivalOptions &options);

std::string rivalTable(const Console &console, llvm::ArrayRef<RivalCell> cells);

/// A list of objects, one for each cell.
std::string rivalJson(llvm::ArrayRef<RivalCell> cells);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_BENCHRIVALS_H

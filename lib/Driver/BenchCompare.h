//===- BenchCompare.h - Layers against each other ---------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a Mixture-of-Experts layer promises is that only active experts cost:
// it is as fast as a dense layer of their width, however many others there are.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_BENCHCOMPARE_H
#define MOEC_LIB_DRIVER_BENCHCOMPARE_H

#include "BenchLayer.h"
#include "moec/Performance/Measure.h"

namespace moec::driver {

struct CompareOptions {
  BenchFormat format;
  std::vector<int64_t> tokens, threads;
  perf::MeasureOptions measure;
  int64_t rounds = 5;
};

/// A layer against the first of its group, or a batch against another.
struct Comparison {
  std::string layer, base, format;
  int64_t tokens = 0, threads = 0;
  /// Medians over the rounds, in milliseconds; and of the rounds' ratios.
  double milliseconds = 0, baseMilliseconds = 0, ratio = 0;
};

/// Compares what two contestants took in each round, in seconds.
Comparison compareTimes(llvm::ArrayRef<double> times,
                        llvm::ArrayRef<double> base);

/// A dense layer as wide as the experts of a token, then the layer itself.
std::vector<perf::LayerShape> sparseAndDense(const perf::LayerShape &shape);

/// The layer with as few experts as it can have, up to 8, then with four times
/// as many each, up to 1024.
std::vector<perf::LayerShape> growingExperts(const perf::LayerShape &shape);

/// Times the layers in turns, so that all see the machine in the same moods.
llvm::Expected<std::vector<Comparison>>
compareLayers(llvm::ArrayRef<perf::LayerShape> shapes,
              const CompareOptions &options, Progress &progress,
              Console &console);

std::string compareTable(const Console &console,
                         llvm::ArrayRef<Comparison> comparisons);

/// A list of objects, one for each comparison.
std::string compareJson(llvm::ArrayRef<Comparison> comparisons);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_BENCHCOMPARE_H

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

/// A layer or a batch against another one.
struct Comparison {
  std::string layer, base, format;
  int64_t tokens = 0, threads = 0;
  /// Medians over the rounds, in milliseconds; and of the rounds' ratios.
  double milliseconds = 0, baseMilliseconds = 0, ratio = 0;
};

/// Compares what two contestants took in each round, in seconds.
Comparison compareTimes(llvm::ArrayRef<double> times,
                        llvm::ArrayRef<double> base);

/// Layers and what each is compared with.
struct LayerGroup {
  perf::LayerShape base;
  std::vector<perf::LayerShape> layers;
};

/// The layer against a dense one as wide as the experts of a token.
LayerGroup sparseAndDense(const perf::LayerShape &shape);

/// The layer with four times as many experts again and again, up to 1024,
/// against as few as it can have, but 8.
LayerGroup growingExperts(const perf::LayerShape &shape);

/// Times each layer in turns with the base, so that both see the machine in the
/// same moods. Only the base stays in memory.
llvm::Expected<std::vector<Comparison>>
compareLayers(const LayerGroup &group, const CompareOptions &options,
              Progress &progress, Console &console);

std::string compareTable(const Console &console,
                         llvm::ArrayRef<Comparison> comparisons);

/// A list of objects, one for each comparison.
std::string compareJson(llvm::ArrayRef<Comparison> comparisons);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_BENCHCOMPARE_H

//===- BenchSweep.h - Batch sizes against each other ------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether one more token ever costs more than it should: a layer's throughput
// over batch sizes, each against the one before it.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_BENCHSWEEP_H
#define MOEC_LIB_DRIVER_BENCHSWEEP_H

#include "BenchCompare.h"

namespace moec::driver {

/// Times each batch size in turns with the others. A batch has the tokens of
/// the one before and more. A comparison's ratio is that of the times for a
/// token, and its base the batch size before.
llvm::Expected<std::vector<Comparison>>
compareBatches(const perf::LayerShape &shape, const CompareOptions &options,
               Progress &progress, Console &console);

/// Says between which batch sizes throughput falls most.
std::string steepestFall(llvm::ArrayRef<Comparison> comparisons);

/// Tokens a second over the batch size, as SVG.
std::string sweepPlot(llvm::ArrayRef<Comparison> comparisons);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_BENCHSWEEP_H

//===- GpuMeter.h - Timing calls on the driver's GPU ------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls are captured in a CUDA graph and replayed between two events, as in a
// model whose layers follow each other: what the host does for a launch is not
// part of their time.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_PERFORMANCE_GPUMETER_H
#define MOEC_PERFORMANCE_GPUMETER_H

#include "moec/Performance/GpuChip.h"
#include "moec/Performance/Measure.h"

#include <memory>

namespace moec::perf {

class GpuMeter {
public:
  /// The driver's first GPU. Fails if there is no driver, no GPU, or one whose
  /// limits are not known.
  static llvm::Expected<std::unique_ptr<GpuMeter>> open();
  virtual ~GpuMeter();

  /// As the driver calls it, "NVIDIA H100 80GB HBM3", and as code for it is
  /// compiled, "sm_90a".
  virtual llvm::StringRef name() const = 0;
  virtual llvm::StringRef chip() const = 0;

  /// Times the calls that `enqueue(i, stream)` puts on a stream, i being an
  /// index into `inputs`, which says what they have to do; they have been made
  /// once before. The peak is that of the highest clock; what is read in a
  /// second is taken to be what a copy reads and writes in it.
  virtual llvm::Expected<Timing>
  measure(llvm::ArrayRef<Work> inputs, Arithmetic arithmetic,
          const MeasureOptions &options,
          llvm::function_ref<llvm::Error(size_t, void *)> enqueue) = 0;
};

} // namespace moec::perf

#endif // MOEC_PERFORMANCE_GPUMETER_H

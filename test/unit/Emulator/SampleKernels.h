//===- SampleKernels.h - Whole kernels to emulate ---------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernels of test/Emulator/Inputs with data and expected results.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_TEST_UNIT_EMULATOR_SAMPLEKERNELS_H
#define MOEC_TEST_UNIT_EMULATOR_SAMPLEKERNELS_H

#include "TestKernel.h"

namespace moec::emulator {

/// A run of a sample.
struct SampleResult {
  LaunchReport report;
  /// The results are what they should be.
  bool right = false;

  bool caught() const { return !right || !report.clean(); }
};

/// The text of test/Emulator/Inputs/NAME.ll.
std::string sampleText(const std::string &name);

/// Runs `kernel`, made of `name`'s text or a mutation of it. `scale` makes the
/// product of the gemm samples deeper.
SampleResult runSample(TestKernel &kernel, const std::string &name,
                       unsigned scale = 1);

} // namespace moec::emulator

#endif // MOEC_TEST_UNIT_EMULATOR_SAMPLEKERNELS_H

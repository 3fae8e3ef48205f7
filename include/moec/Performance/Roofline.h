//===- Roofline.h - The least time that work takes --------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The roofline model (Williams, Waterman, Patterson 2009): a machine that
// computes and reads at the same time needs as long as the slower of the two.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_PERFORMANCE_ROOFLINE_H
#define MOEC_PERFORMANCE_ROOFLINE_H

#include "llvm/ADT/StringRef.h"

namespace moec::perf {

/// What is multiplied: f32 numbers, pairs of bf16, quadruples of 8-bit
/// integers.
enum class Arithmetic { F32, Bf16, Int8 };

/// "f32", "bf16", "int8".
llvm::StringRef arithmeticName(Arithmetic arithmetic);

/// Products that one instruction adds up in 32 bits of a vector.
int64_t productsOfLane(Arithmetic arithmetic);

/// What bounds a layer with a team of threads.
struct Rates {
  /// Multiplications and additions a second, of the fastest instructions this
  /// CPU has for the arithmetic.
  double peak = 0;
  /// Bytes a second that can be read from memory.
  double read = 0;

  /// The faster of two measurements of each.
  Rates best(const Rates &other) const;
};

/// What one call has to do at least.
struct Work {
  /// Multiplications and additions.
  double flops = 0;
  /// Bytes that are read from memory.
  double bytes = 0;

  /// Seconds that a machine with these rates takes: the longer of computing
  /// and reading.
  double roofline(const Rates &rates) const;
  bool computeBound(const Rates &rates) const;
};

} // namespace moec::perf

#endif // MOEC_PERFORMANCE_ROOFLINE_H

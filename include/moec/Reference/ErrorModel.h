//===- ErrorModel.h - numbers with a bound on their error -------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Running error analysis (Higham, Accuracy and Stability of Numerical
// Algorithms, 2nd ed., 3.3): a Number is what an expression is worth in exact
// arithmetic, and how far from it a correct implementation may be. Nothing is
// ever rounded here; where the IR rounds, the error grows by what the rounding
// may cost, and every function passes on the errors of its operands.
//
// What an implementation may do without leaving its bound:
// * round each f32 operation once (2^-24 relative), or fuse it with another;
// * add in any order: n terms cost gammaFactor(n) times the sum of their
// magnitudes;
// * approximate divisions and elementary functions to approximationUlps;
// * flush subnormals to zero, as bf16 dot products do (2^-126 a term).
//
// A value that is NaN or infinite has to come out as such. A result that may or
// may not overflow has an infinite error: anything goes. One that is beyond the
// range of its type by more than its error is infinite, as in the type.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_REFERENCE_ERRORMODEL_H
#define MOEC_REFERENCE_ERRORMODEL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace moec::reference {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A value in exact arithmetic and a bound on the distance to what a correct
/// implementation computes. Of a value that is not finite, the error is 0 (that
/// value exactly) or infinite (anything).
struct Number {
  double value = 0;
  double error = 0;
};

/// 2^exponent, for the exponents of normal doubles.
constexpr double powerOfTwo(int exponent) {
  return std::bit_cast<double>(static_cast<uint64_t>(exponent + 1023) << 52);
}

/// A floating-point type as far as rounding goes.
struct Format {
  /// Bits of the significand, the leading one included.
  int precision;
  /// Exponents of the smallest and the largest normal number.
  int minExponent, maxExponent;
  /// Unit roundoff: half the distance from 1 to the next number.
  double unit = powerOfTwo(-precision);
  /// What rounding may cost a tiny number: its subnormals may be flushed.
  double tiny = powerOfTwo(minExponent);
  /// Magnitudes from here on round to infinity.
  double overflow = powerOfTwo(maxExponent) * (2 - unit);
};

constexpr Format f64Format{53, -1022, 1023};
constexpr Format f32Format{24, -126, 127};
constexpr Format bf16Format{8, -126, 127};
constexpr Format f16Format{11, -14, 15};

/// Units in the last place (2^-24 relative) that a division, an elementary
/// function or a step of one may be off. The vectorised forms in use (Cephes
/// and Sleef polynomials, a Newton step on a reciprocal) are within 1 to 3.5.
constexpr double approximationUlps = 4;

/// n u / (1 - n u): the relative error of n roundings in f32 (Higham, lemma
/// 3.1), infinite if n is 2^24 or more.
double gammaFactor(int64_t n);

/// Whether `value` is a number of `format`: rounding it changes nothing.
bool isExact(double value, const Format &format);

/// `exact` after `ulps` roundings to `format`. An exact zero stays one.
Number rounded(Number exact, const Format &format, double ulps = 1);

/// A conversion to `format`: rounded(), and nothing at all for a number of the
/// format without error.
Number converted(Number x, const Format &format);

/// Makes a number that overflows `format` infinite or its error infinite.
Number inRange(Number x, const Format &format);

Number add(Number a, Number b, const Format &format);
Number subtract(Number a, Number b, const Format &format);
Number multiply(Number a, Number b, const Format &format);
Number divide(Number a, Number b, const Format &format);
/// The remaining elementary operations round as `format` does; elementary
/// functions are off by approximationUlps.
Number negate(Number a);
Number absolute(Number a);
/// The larger. NaN if one is NaN; with `ignoreNaN`, only if both are.
Number maximum(Number a, Number b, bool ignoreNaN);
Number minimum(Number a, Number b, bool ignoreNaN);
Number exponential(Number x, const Format &format);
Number logarithm(Number x, const Format &format);
/// log(1 + x).
Number logarithm1p(Number x, const Format &format);
Number hyperbolicTangent(Number x, const Format &format);
Number errorFunction(Number x, const Format &format);
Number squareRoot(Number x, const Format &format);
Number power(Number x, Number y, const Format &format);
/// 1 / (1 + exp(-x)).
Number sigmoid(Number x, const Format &format);
/// x / (1 + exp(-x)): NaN at -inf.
Number silu(Number x, const Format &format);

/// One of two numbers, when which one is not known: `chosen`, with an error
/// that takes in `other`.
Number either(Number chosen, Number other);

/// Numbers that lie apart in memory: `error` may be null, then they are exact.
struct NumberSpan {
  const double *value = nullptr;
  const double *error = nullptr;
  int64_t size = 0;

  Number operator[](int64_t i) const {
    return {value[i], error ? error[i] : 0};
  }
};

/// sum_i a[i] * b[i] in f32, in any order; `a` and `b` have the same size.
Number dot(NumberSpan a, NumberSpan b);

/// sum_i x[i] in f32, in any order. 0 of nothing.
Number sum(llvm::ArrayRef<Number> x);

/// Softmax in f32, see moe.softmax.
llvm::SmallVector<Number> softmax(llvm::ArrayRef<Number> x);

} // namespace moec::reference

#endif // MOEC_REFERENCE_ERRORMODEL_H

//===- ElementaryErrors.cpp - errors of elementary functions ----*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A monotone function takes the ends of an interval to the ends of its image;
// for the others the derivative is bounded over the interval.
//
//===----------------------------------------------------------------------===//

#include "moec/Reference/ErrorModel.h"

#include <algorithm>

using namespace llvm;

namespace moec::reference {

/// What double precision may lose in evaluating a function, with room to spare.
static constexpr double doubleSlack = 0x1p-48;

/// `function`, monotone where it is a number, of all that `x` may be.
template <typename Function>
static Number monotone(Number x, Function function) {
  double value = function(x.value);
  if (x.error == 0 || x.error == infinity || !std::isfinite(x.value))
    return {value, x.error};
  double low = function(x.value - x.error), high = function(x.value + x.error);
  if (std::isnan(value) && std::isnan(low) && std::isnan(high))
    return {value, 0};
  if (std::isnan(value) || std::isnan(low) || std::isnan(high))
    return {value, infinity};
  double error = std::max(std::abs(high - value), std::abs(value - low));
  return {value, error + doubleSlack * std::abs(value)};
}

static double sigmoidOf(double x) { return 1 / (1 + std::exp(-x)); }

Number exponential(Number x, const Format &format) {
  return rounded(monotone(x, [](double v) { return std::exp(v); }), format,
                 approximationUlps);
}

Number logarithm(Number x, const Format &format) {
  return rounded(monotone(x, [](double v) { return std::log(v); }), format,
                 approximationUlps);
}

Number logarithm1p(Number x, const Format &format) {
  return rounded(monotone(x, [](double v) { return std::log1p(v); }), format,
                 approximationUlps);
}

Number hyperbolicTangent(Number x, const Format &format) {
  return rounded(monotone(x, [](double v) { return std::tanh(v); }), format,
                 approximationUlps);
}

Number errorFunction(Number x, const Format &format) {
  return rounded(monotone(x, [](double v) { return std::erf(v); }), format,
                 approximationUlps);
}

Number squareRoot(Number x, const Format &format) {
  return rounded(monotone(x, [](double v) { return std::sqrt(v); }), format,
                 approximationUlps);
}

Number power(Number x, Number y, const Format &format) {
  double value = std::pow(x.value, y.value);
  if (x.error == infinity || y.error == infinity)
    return {value, infinity};
  if (y.value == 2 && y.error == 0)
    return multiply(x, x, format);
  bool isFinite = std::isfinite(x.value) && std::isfinite(y.value);
  if (isFinite && x.value > x.error && x.value > 0) {
    // x^y = exp(y log x), which is also how it may be computed.
    double logX = std::log(x.value);
    double logError = -std::log1p(-x.error / x.value);
    double exponentError =
        std::abs(y.value) * logError + y.error * (std::abs(logX) + logError);
    double ulps = approximationUlps * (2 + std::abs(y.value * logX));
    return rounded({value, value * std::expm1(exponentError)}, format, ulps);
  }
  if (x.error == 0 && y.error == 0)
    return rounded({value, 0}, format, approximationUlps);
  return {value, infinity};
}

Number sigmoid(Number x, const Format &format) {
  // An exponential, an addition and a division.
  return rounded(monotone(x, sigmoidOf), format, 2 * approximationUlps + 1);
}

Number silu(Number x, const Format &format) {
  double value = x.value / (1 + std::exp(-x.value));
  if (x.error == infinity || !std::isfinite(x.value))
    return {value, x.error == infinity ? infinity : 0};
  // |silu'| = |s + x s (1 - s)| is at most 1.0999 everywhere, and s (1 + |x|)
  // where x is negative.
  double reach = std::abs(x.value) + x.error;
  double slope = std::min(1.1, sigmoidOf(x.value + x.error) * (1 + reach));
  // In f32 exp(-x) overflows below x = -88.7, where silu is still -2.6e-37; a
  // GPU's reciprocal is zero below the least normal number, 2^-126.
  double underflow = value == 0 ? 0 : 0x1p-119;
  return rounded({value, slope * x.error + underflow}, format,
                 2 * approximationUlps + 2);
}

} // namespace moec::reference

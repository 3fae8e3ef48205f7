//===- ErrorModel.cpp - numbers with a bound on their error -----*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rounding, and the errors of arithmetic. ElementaryErrors.cpp has the
// functions, SumErrors.cpp what adds up.
//
//===----------------------------------------------------------------------===//

#include "moec/Reference/ErrorModel.h"

#include <algorithm>
#include <bit>

using namespace llvm;

namespace moec::reference {

double gammaFactor(int64_t n) {
  double nu = static_cast<double>(n) * f32Format.unit;
  return nu < 1 ? nu / (1 - nu) : infinity;
}

bool isExact(double value, const Format &format) {
  if (value == 0 || !std::isfinite(value))
    return true;
  auto bits = std::bit_cast<uint64_t>(value);
  int exponent = static_cast<int>(bits >> 52 & 0x7ff) - 1023;
  if (exponent > format.maxExponent)
    return false;
  if (exponent >= format.minExponent && exponent >= -1022)
    return (bits & ((uint64_t(1) << (53 - format.precision)) - 1)) == 0;
  // Subnormals of the format have fewer bits the smaller they are.
  exponent = format.minExponent;
  double inLastPlaces = std::ldexp(value, format.precision - 1 - exponent);
  return inLastPlaces == std::trunc(inLastPlaces);
}

Number inRange(Number x, const Format &format) {
  if (std::isnan(x.error) || x.error == infinity)
    return {x.value, infinity};
  if (!std::isfinite(x.value))
    return {x.value, 0};
  double magnitude = std::abs(x.value), limit = format.overflow;
  if (magnitude + x.error < limit)
    return x;
  if (magnitude - x.error >= limit)
    return {std::copysign(infinity, x.value), 0};
  return {x.value, infinity};
}

Number rounded(Number exact, const Format &format, double ulps) {
  if (exact.value == 0 && exact.error == 0)
    return exact;
  if (std::isfinite(exact.value))
    exact.error += ulps * format.unit * (std::abs(exact.value) + exact.error) +
                   format.tiny;
  return inRange(exact, format);
}

Number converted(Number x, const Format &format) {
  return x.error == 0 && isExact(x.value, format) ? x : rounded(x, format);
}

Number either(Number chosen, Number other) {
  bool same = chosen.value == other.value ||
              (std::isnan(chosen.value) && std::isnan(other.value));
  if (same)
    return {chosen.value, std::max(chosen.error, other.error)};
  if (!std::isfinite(chosen.value) || !std::isfinite(other.value))
    return {chosen.value, infinity};
  return {chosen.value,
          std::max(chosen.error,
                   std::abs(chosen.value - other.value) + other.error)};
}

static bool isAnything(Number a, Number b) {
  return a.error == infinity || b.error == infinity;
}

static bool isExactZero(Number x) { return x.value == 0 && x.error == 0; }

/// Whether the sign of `x` is known, or that it is zero.
static bool hasSign(Number x) {
  return std::abs(x.value) > x.error || isExactZero(x);
}

Number add(Number a, Number b, const Format &format) {
  return rounded({a.value + b.value, a.error + b.error}, format);
}

Number subtract(Number a, Number b, const Format &format) {
  return add(a, negate(b), format);
}

Number multiply(Number a, Number b, const Format &format) {
  double product = a.value * b.value;
  if (isAnything(a, b))
    return {product, infinity};
  if (std::isnan(a.value) || std::isnan(b.value))
    return {product, 0};
  if (std::isinf(a.value) || std::isinf(b.value))
    return {product, hasSign(a) && hasSign(b) ? 0 : infinity};
  double error = a.error * std::abs(b.value) + b.error * std::abs(a.value) +
                 a.error * b.error;
  return rounded({product, error}, format);
}

Number divide(Number a, Number b, const Format &format) {
  double quotient = a.value / b.value;
  if (isAnything(a, b))
    return {quotient, infinity};
  if (std::isnan(a.value) || std::isnan(b.value))
    return {quotient, 0};
  if (std::isinf(a.value) || std::isinf(b.value) || isExactZero(b))
    return {quotient, hasSign(a) && hasSign(b) ? 0 : infinity};
  double smallest = std::abs(b.value) - b.error;
  if (smallest <= 0)
    return {quotient, infinity};
  double error = (a.error + std::abs(quotient) * b.error) / smallest;
  return rounded({quotient, error}, format, approximationUlps);
}

Number negate(Number a) { return {-a.value, a.error}; }

Number absolute(Number a) { return {std::abs(a.value), a.error}; }

Number maximum(Number a, Number b, bool ignoreNaN) {
  if (isAnything(a, b))
    return {std::fmax(a.value, b.value), infinity};
  if (std::isnan(a.value))
    return ignoreNaN ? b : a;
  if (std::isnan(b.value))
    return ignoreNaN ? a : b;
  Number larger = a.value >= b.value ? a : b;
  Number smaller = a.value >= b.value ? b : a;
  if (std::isfinite(larger.value))
    larger.error =
        std::max(larger.error, smaller.value + smaller.error - larger.value);
  return larger;
}

Number minimum(Number a, Number b, bool ignoreNaN) {
  return negate(maximum(negate(a), negate(b), ignoreNaN));
}

} // namespace moec::reference

//===- SumErrors.cpp - errors of sums ---------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dot products, sums and softmax in f32, whatever the order of their terms.
//
//===----------------------------------------------------------------------===//

#include "moec/Reference/ErrorModel.h"

#include <algorithm>
#include <vector>

using namespace llvm;

namespace moec::reference {

/// A subnormal operand of a dot product counts as zero or as it is.
static Number flushable(Number x) {
  double magnitude = std::abs(x.value);
  if (magnitude < f32Format.tiny)
    x.error = std::max(x.error, magnitude);
  return x;
}

/// A dot product that is not finite: which of the infinities or NaN it is, if
/// that is certain.
static Number infiniteDot(NumberSpan a, NumberSpan b) {
  bool hasNaN = false, hasPlus = false, hasMinus = false;
  double rest = 0;
  for (int64_t i = 0; i < a.size; ++i) {
    Number product = multiply(flushable(a[i]), flushable(b[i]), f64Format);
    if (product.error == infinity)
      return {product.value, infinity};
    if (std::isnan(product.value))
      hasNaN = true;
    else if (std::isinf(product.value))
      (product.value > 0 ? hasPlus : hasMinus) = true;
    else
      rest += std::abs(product.value) + product.error;
  }
  if (hasNaN || (hasPlus && hasMinus))
    return {std::numeric_limits<double>::quiet_NaN(), 0};
  // Finite terms that overflow could make an infinity of the other sign.
  double error = rest >= f32Format.overflow ? infinity : 0;
  return {hasPlus ? infinity : -infinity, error};
}

namespace {

/// What adds up over the terms of a dot product.
struct Terms {
  double value = 0, magnitude = 0, error = 0;

  template <bool aIsExact>
  void add(NumberSpan a, NumberSpan b);
};

} // namespace

/// Adds all terms; weights are exact as a rule, and long.
template <bool aIsExact>
void Terms::add(NumberSpan a, NumberSpan b) {
  constexpr double tiny = f32Format.tiny;
  for (int64_t i = 0; i < a.size; ++i) {
    double product = a.value[i] * b.value[i];
    double absA = std::abs(a.value[i]), absB = std::abs(b.value[i]);
    double errorB = b.error ? b.error[i] : 0;
    value += product;
    magnitude += std::abs(product);
    error += errorB * absA;
    if constexpr (!aIsExact)
      error += a.error[i] * (absB + errorB);
    if ((absA < tiny || absB < tiny) && product != 0)
      error += std::abs(product);
  }
}

Number dot(NumberSpan a, NumberSpan b) {
  Terms terms;
  if (a.error)
    terms.add<false>(a, b);
  else
    terms.add<true>(a, b);
  auto [value, magnitude, error] = terms;
  if (!std::isfinite(value))
    return infiniteDot(a, b);
  if (magnitude == 0 && error == 0)
    return {value, 0};
  error += gammaFactor(a.size + 2) * (magnitude + error) +
           2 * static_cast<double>(a.size) * f32Format.tiny;
  // A partial sum may overflow even if the sum does not.
  if (!(magnitude + error < f32Format.overflow))
    return {value, infinity};
  return {value, error};
}

Number sum(ArrayRef<Number> x) {
  std::vector<double> value, error, ones(x.size(), 1);
  for (Number number : x) {
    value.push_back(number.value);
    error.push_back(number.error);
  }
  auto size = static_cast<int64_t>(x.size());
  return dot({value.data(), error.data(), size}, {ones.data(), nullptr, size});
}

/// log(exp(a) + exp(b)).
static double addLogs(double a, double b) {
  double larger = std::max(a, b), smaller = std::min(a, b);
  return larger == -infinity ? larger
                             : larger + std::log1p(std::exp(smaller - larger));
}

/// For each of the logarithms `x` that of the sum of all others.
static std::vector<double> logsOfOthers(ArrayRef<double> x) {
  std::vector<double> logs(x.size());
  double before = -infinity, after = -infinity;
  for (size_t i = 0; i < x.size(); ++i) {
    logs[i] = before;
    before = addLogs(before, x[i]);
  }
  for (size_t i = x.size(); i-- > 0;) {
    logs[i] = addLogs(logs[i], after);
    after = addLogs(after, x[i]);
  }
  return logs;
}

/// exp(x) / (exp(x) + exp(others)).
static double shareOf(double x, double others) {
  return 1 / (1 + std::exp(others - x));
}

/// Softmax of numbers that are finite or -inf, with the finite maximum
/// `largest` and finite errors.
static SmallVector<Number> finiteSoftmax(ArrayRef<Number> x, double largest) {
  // An element is at most what it is when it is as large as it may be and the
  // others are as small as they may be. In f32, x - max rounds too.
  std::vector<double> low, high;
  double total = 0;
  for (Number number : x) {
    double distance = largest - number.value;
    double error =
        distance == infinity
            ? 0
            : number.error + f32Format.unit * (distance + number.error);
    low.push_back(number.value - error);
    high.push_back(number.value + error);
    total += std::exp(-distance);
  }
  std::vector<double> lowOthers = logsOfOthers(low);
  std::vector<double> highOthers = logsOfOthers(high);

  // An exponential, one in every term of the sum, the sum, the division.
  double relative = gammaFactor(static_cast<int64_t>(x.size())) +
                    3 * approximationUlps * f32Format.unit;
  SmallVector<Number> result;
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i].value == -infinity) {
      result.push_back({0, 0});
      continue;
    }
    double value = std::exp(x[i].value - largest) / total;
    double most = shareOf(high[i], lowOthers[i]);
    double least = shareOf(low[i], highOthers[i]);
    double error = std::max({most - value, value - least, 0.0}) +
                   relative * std::max(most, value) +
                   static_cast<double>(x.size()) * f32Format.tiny;
    result.push_back({value, error});
  }
  return result;
}

SmallVector<Number> softmax(ArrayRef<Number> x) {
  double largest = -infinity;
  bool isUncertain = false, hasNaN = false;
  for (Number number : x) {
    isUncertain |= number.error == infinity;
    hasNaN |= std::isnan(number.value);
    largest = std::max(largest, number.value);
  }
  if (isUncertain || hasNaN || std::isinf(largest))
    return SmallVector<Number>(
        x.size(),
        {std::numeric_limits<double>::quiet_NaN(), isUncertain ? infinity : 0});
  return finiteSoftmax(x, largest);
}

} // namespace moec::reference

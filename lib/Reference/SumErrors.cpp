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
  if (magnitude < f32Format.tiny())
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
  double error = rest >= f32Format.overflow() ? infinity : 0;
  return {hasPlus ? infinity : -infinity, error};
}

Number dot(NumberSpan a, NumberSpan b) {
  double value = 0, magnitude = 0, error = 0;
  const double tiny = f32Format.tiny();
  for (int64_t i = 0; i < a.size; ++i) {
    double product = a.value[i] * b.value[i];
    double absA = std::abs(a.value[i]), absB = std::abs(b.value[i]);
    double errorA = a.error ? a.error[i] : 0, errorB = b.error ? b.error[i] : 0;
    value += product;
    magnitude += std::abs(product);
    error += errorA * absB + errorB * (absA + errorA);
    if ((absA < tiny || absB < tiny) && product != 0)
      error += std::abs(product);
  }
  if (!std::isfinite(value))
    return infiniteDot(a, b);
  if (magnitude == 0 && error == 0)
    return {value, 0};
  error += gammaFactor(a.size + 2) * (magnitude + error) +
           2 * static_cast<double>(a.size) * tiny;
  // A partial sum may overflow even if the sum does not.
  if (!(magnitude + error < f32Format.overflow()))
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

/// For each element the sum of the others, without cancellation.
static std::vector<double> sumsOfOthers(ArrayRef<double> x) {
  std::vector<double> sums(x.size());
  double before = 0, after = 0;
  for (size_t i = 0; i < x.size(); before += x[i++])
    sums[i] = before;
  for (size_t i = x.size(); i-- > 0; after += x[i])
    sums[i] += after;
  return sums;
}

/// Softmax of numbers that are all finite or -inf, not all of them -inf, with
/// finite errors.
static SmallVector<Number> finiteSoftmax(ArrayRef<Number> x, double largest) {
  // An element is at most what it is when it is as large as it may be and the
  // others as small as they may be. In f32, x - max rounds too.
  std::vector<double> low, high, middle;
  double shift = -infinity;
  std::vector<double> errors;
  for (Number number : x) {
    double distance = number.value - largest;
    errors.push_back(std::isinf(distance)
                         ? 0
                         : number.error +
                               f32Format.unit() * (number.error - distance));
    shift = std::max(shift, number.value + errors.back());
  }
  for (auto [number, error] : zip_equal(x, errors)) {
    low.push_back(std::exp(number.value - error - shift));
    high.push_back(std::exp(number.value + error - shift));
    middle.push_back(std::exp(number.value - largest));
  }
  std::vector<double> lowOthers = sumsOfOthers(low);
  std::vector<double> highOthers = sumsOfOthers(high);
  double total = 0;
  for (double value : middle)
    total += value;

  // An exponential, one in every term of the sum, the sum, the division.
  double relative = gammaFactor(static_cast<int64_t>(x.size())) +
                    3 * approximationUlps * f32Format.unit();
  SmallVector<Number> result;
  for (size_t i = 0; i < x.size(); ++i) {
    double value = middle[i] / total;
    if (x[i].value == -infinity) {
      result.push_back({0, 0});
      continue;
    }
    double most = high[i] > 0 ? high[i] / (high[i] + lowOthers[i]) : 0;
    double least = low[i] > 0 ? low[i] / (low[i] + highOthers[i]) : 0;
    double error = std::max(most - value, value - least);
    error = std::max(error, 0.0) + relative * std::max(most, value) +
            static_cast<double>(x.size()) * f32Format.tiny();
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

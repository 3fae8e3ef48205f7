//===- RelativeError.h - How far numbers are from others --------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The root mean square of differences, relative to that of the numbers: what
// storing numbers in fewer bits costs.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_SUPPORT_RELATIVEERROR_H
#define MOEC_SUPPORT_RELATIVEERROR_H

#include <cmath>

namespace moec {

class RelativeError {
public:
  /// Numbers that are not finite do not count.
  void add(double actual, double exact) {
    if (!std::isfinite(actual) || !std::isfinite(exact))
      return;
    squares += exact * exact;
    squaredErrors += (actual - exact) * (actual - exact);
  }
  void add(const RelativeError &other) {
    squares += other.squares;
    squaredErrors += other.squaredErrors;
  }
  /// 0 if all numbers are.
  double value() const {
    return squares > 0 ? std::sqrt(squaredErrors / squares) : 0;
  }

private:
  double squares = 0, squaredErrors = 0;
};

} // namespace moec

#endif // MOEC_SUPPORT_RELATIVEERROR_H

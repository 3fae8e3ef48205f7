//===- Tensor.h - the values of the reference -------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the reference computes with: dense row-major tensors of numbers with
// error bounds, of integers, or of truth values. A scalar is a tensor of rank
// 0.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_REFERENCE_TENSOR_H
#define MOEC_REFERENCE_TENSOR_H

#include "moec/Reference/ErrorModel.h"
#include "moec/Support/DType.h"
#include "moec/Support/HostTensor.h"
#include "llvm/Support/Error.h"

#include <vector>

namespace moec::reference {

/// What the elements of a tensor are.
enum class Kind : uint8_t { Float, Int, Bool };

/// A dense tensor. Elements are in `value` if they are floats, else in `ints`.
struct Tensor {
  Shape shape;
  Kind kind = Kind::Float;
  std::vector<double> value;
  /// A bound for each element; empty if all are exact. Of integers and truth
  /// values: infinite where rounding decides which it is.
  std::vector<double> error;
  std::vector<int64_t> ints;

  static Tensor floats(Shape shape);
  static Tensor integers(Shape shape, Kind kind = Kind::Int);
  static Tensor scalar(Number number);
  static Tensor scalar(int64_t integer, Kind kind = Kind::Int);

  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
  int64_t size() const {
    return static_cast<int64_t>(kind == Kind::Float ? value.size()
                                                    : ints.size());
  }
  /// Elements of everything below the first dimension.
  int64_t rowSize() const;

  double errorAt(int64_t i) const { return error.empty() ? 0 : error[i]; }
  Number at(int64_t i) const { return {value[i], errorAt(i)}; }
  void set(int64_t i, Number number) {
    value[i] = number.value;
    error[i] = number.error;
  }
  /// The floats [begin, begin + count).
  NumberSpan span(int64_t begin, int64_t count) const {
    return {value.data() + begin,
            error.empty() ? nullptr : error.data() + begin, count};
  }
  /// Row `i` of the first dimension; a scalar if the rank is 1.
  Tensor row(int64_t i) const;
};

/// The values of a stored tensor: exact floats from any floating-point type,
/// integers from any integer type. Fails on types that are neither.
llvm::Expected<Tensor> fromHost(const HostTensor &tensor);

/// The tensor as f32 (rounded) or i32. Integers out of range fail.
llvm::Expected<HostTensor> toHost(const Tensor &tensor);

} // namespace moec::reference

#endif // MOEC_REFERENCE_TENSOR_H

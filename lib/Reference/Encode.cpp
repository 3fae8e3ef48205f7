//===- Encode.cpp - numbers in a storage encoding ---------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.encode. Exact numbers become exactly what the packer and compiled code
// make of them. Of others the bound says which codes and scales are possible.
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"
#include "moec/Dialect/Moe/NumberFormat.h"

using namespace llvm;
namespace moe = mlir::moe;

namespace moec::reference {

namespace {

/// An interval of possible values.
struct Range {
  double low, high;
};

/// The numbers under one scale.
class Block {
public:
  Block(const Tensor &x, int64_t begin, int64_t size, bool isExact)
      : x(x), begin(begin), size(size), isExact(isExact) {}

  void encode(BlockFormat format, Tensor &result) {
    std::vector<float> values;
    for (int64_t i = 0; i < size; ++i)
      values.push_back(static_cast<float>(x.value[begin + i]));
    std::vector<int8_t> codes(size);
    double scale = quantize(format, values, codes).factor;
    bool exact = isExact || isAllExact();
    Range scales = exact ? Range{scale, scale} : possibleScales();
    for (int64_t i = 0; i < size; ++i) {
      double value = codeValue(format.code, codes[i]) * scale;
      result.set(begin + i,
                 {value, exact ? 0 : error(x.at(begin + i), value, scales)});
    }
  }

private:
  bool isAllExact() const {
    for (int64_t i = 0; i < size; ++i)
      if (x.errorAt(begin + i) != 0)
        return false;
    return true;
  }

  /// What the f32 operations of the scale may come to.
  Range possibleScales() const {
    Range largest{0, 0};
    for (int64_t i = 0; i < size; ++i) {
      Number number = x.at(begin + i);
      double magnitude = std::abs(number.value);
      // A NaN or an infinite bound makes everything possible.
      if (!(magnitude + number.error < f32Format.overflow))
        return {0, infinity};
      largest.low = std::max(largest.low, magnitude - number.error);
      largest.high = std::max(largest.high, magnitude + number.error);
    }
    if (largest.low < 2 * static_cast<double>(kLeastMagnitude))
      largest.low = 0;
    double slack = 2 * f32Format.unit;
    return {largest.low / kLargestInt8 * (1 - slack),
            largest.high / kLargestInt8 * (1 + slack)};
  }

  /// How far from `value` a correct implementation's number may be.
  static double error(Number number, double value, Range scales) {
    if (scales.high == infinity)
      return infinity;
    // A row that may be too small to be encoded.
    if (scales.low == 0)
      return scales.high * kLargestInt8 + std::abs(value);
    // Two roundings, and one of a tie, before that to an integer.
    double slack = 4 * f32Format.unit * kLargestInt8;
    Range possible{number.value - number.error, number.value + number.error};
    auto code = [&](double quotient) {
      double limit = kLargestInt8;
      return std::clamp(std::nearbyint(quotient), -limit, limit);
    };
    double low = code(
        possible.low / (possible.low < 0 ? scales.low : scales.high) - slack);
    double high = code(
        possible.high / (possible.high < 0 ? scales.high : scales.low) + slack);
    double least = low * (low < 0 ? scales.high : scales.low);
    double most = high * (high < 0 ? scales.low : scales.high);
    return std::max({most - value, value - least, 0.0});
  }

  const Tensor &x;
  const int64_t begin, size;
  const bool isExact;
};

} // namespace

TensorRef encode(moe::EncodeOp op, const Tensor &x, bool isWeight) {
  moe::NumberFormat format = *moe::NumberFormat::of(op.getType().getEncoding());
  int64_t cols = x.shape.back(), group = format.groupOf(cols);
  Tensor result = Tensor::floats(x.shape);
  for (int64_t row = 0; row < x.size(); row += cols)
    for (int64_t first = 0; first < cols; first += group)
      Block(x, row + first, std::min(group, cols - first), isWeight)
          .encode(format.block, result);
  return std::make_shared<Tensor>(std::move(result));
}

static Error evaluateEncode(moe::EncodeOp op, Frame &frame) {
  bool isRows = op.getType().getEncoding() ==
                moe::Int8Attr::get(op.getContext(), /*group=*/0);
  if (!frame.has(op.getX()))
    frame.evaluator.bindEncoded(op);
  else if (!isRows && !frame.evaluator.isWeight(op.getX()))
    return errorAt(op, "the reference encodes rows as #moe.int8");
  else
    frame.define(op.getResult(), encode(op, frame[op.getX()],
                                        frame.evaluator.isWeight(op.getX())));
  return Error::success();
}

void addEncode(OpTable &table) { table.add(evaluateEncode, /*isLazy=*/true); }

} // namespace moec::reference

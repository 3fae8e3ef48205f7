//===- Tensor.cpp - the values of the reference -----------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Making tensors, and their way from and to the bytes of files.
//
//===----------------------------------------------------------------------===//

#include "moec/Reference/Tensor.h"

#include "moec/Support/Error.h"
#include "moec/Support/Float.h"
#include "llvm/Support/Endian.h"

using namespace llvm;

namespace moec::reference {

static size_t elementsOf(const Shape &shape) {
  std::optional<int64_t> count = numElements(shape);
  assert(count && "shapes are checked where they come from");
  return static_cast<size_t>(*count);
}

Tensor Tensor::floats(Shape shape) {
  Tensor tensor;
  size_t count = elementsOf(shape);
  tensor.shape = std::move(shape);
  tensor.value.assign(count, 0);
  tensor.error.assign(count, 0);
  return tensor;
}

Tensor Tensor::integers(Shape shape, Kind kind) {
  Tensor tensor;
  tensor.ints.assign(elementsOf(shape), 0);
  tensor.shape = std::move(shape);
  tensor.kind = kind;
  return tensor;
}

Tensor Tensor::scalar(Number number) {
  Tensor tensor;
  tensor.value.push_back(number.value);
  tensor.error.push_back(number.error);
  return tensor;
}

Tensor Tensor::scalar(int64_t integer, Kind kind) {
  Tensor tensor;
  tensor.kind = kind;
  tensor.ints.push_back(integer);
  return tensor;
}

int64_t Tensor::rowSize() const {
  int64_t size = 1;
  for (int64_t dim : ArrayRef<int64_t>(shape).drop_front())
    size *= dim;
  return size;
}

Tensor Tensor::row(int64_t i) const {
  Tensor result;
  result.kind = kind;
  result.shape.assign(shape.begin() + 1, shape.end());
  int64_t begin = i * rowSize(), end = begin + rowSize();
  auto copy = [&](const auto &from, auto &to) {
    if (!from.empty())
      to.assign(from.begin() + begin, from.begin() + end);
  };
  copy(value, result.value);
  copy(error, result.error);
  copy(ints, result.ints);
  return result;
}

/// The integers of type T in `bytes`.
template <typename T>
static std::vector<int64_t> readIntegers(ArrayRef<uint8_t> bytes) {
  std::vector<int64_t> ints;
  for (size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T))
    ints.push_back(static_cast<int64_t>(
        support::endian::read<T, endianness::little>(bytes.data() + i)));
  return ints;
}

static Expected<std::vector<int64_t>> decodeIntegers(const HostTensor &tensor) {
  switch (tensor.dtype) {
  case DType::I64:
  case DType::U64:
    return readIntegers<int64_t>(tensor.bytes);
  case DType::I32:
    return readIntegers<int32_t>(tensor.bytes);
  case DType::U32:
    return readIntegers<uint32_t>(tensor.bytes);
  case DType::I16:
    return readIntegers<int16_t>(tensor.bytes);
  case DType::U16:
    return readIntegers<uint16_t>(tensor.bytes);
  case DType::I8:
    return readIntegers<int8_t>(tensor.bytes);
  case DType::U8:
  case DType::Bool:
    return readIntegers<uint8_t>(tensor.bytes);
  default:
    return inputError("a tensor of {} is neither floats nor integers the "
                      "reference can read",
                      dtypeName(tensor.dtype));
  }
}

Expected<Tensor> fromHost(const HostTensor &tensor) {
  std::optional<uint64_t> bytes = tensorBytes(tensor.shape, tensor.dtype);
  if (!bytes || *bytes != tensor.bytes.size())
    return inputError("a tensor {} of {} has {} bytes",
                      formatShape(tensor.shape), dtypeName(tensor.dtype),
                      tensor.bytes.size());
  Tensor result;
  result.shape = tensor.shape;
  bool isFloat = tensor.dtype <= DType::F8E8M0;
  if (!isFloat) {
    Expected<std::vector<int64_t>> ints = decodeIntegers(tensor);
    if (!ints)
      return ints.takeError();
    result.kind = tensor.dtype == DType::Bool ? Kind::Bool : Kind::Int;
    result.ints = std::move(*ints);
    return result;
  }
  size_t count = elementsOf(tensor.shape);
  if (tensor.dtype == DType::F64) {
    for (size_t i = 0; i < count; ++i)
      result.value.push_back(support::endian::read<double, endianness::little>(
          tensor.bytes.data() + 8 * i));
    return result;
  }
  std::vector<float> floats(count);
  if (Error error = decodeToFloat(tensor.dtype, tensor.bytes, floats))
    return std::move(error);
  result.value.assign(floats.begin(), floats.end());
  return result;
}

Expected<HostTensor> toHost(const Tensor &tensor) {
  HostTensor result;
  result.shape = tensor.shape;
  result.bytes.resize(static_cast<size_t>(tensor.size()) * 4);
  if (tensor.kind == Kind::Float) {
    result.dtype = DType::F32;
    for (auto [i, value] : enumerate(tensor.value))
      support::endian::write<float, endianness::little>(
          result.bytes.data() + 4 * i, static_cast<float>(value));
    return result;
  }
  result.dtype = DType::I32;
  for (auto [i, value] : enumerate(tensor.ints)) {
    if (value != static_cast<int32_t>(value))
      return inputError("{} does not fit in i32", value);
    support::endian::write<int32_t, endianness::little>(
        result.bytes.data() + 4 * i, static_cast<int32_t>(value));
  }
  return result;
}

} // namespace moec::reference

//===- ReadWeights.cpp - Decoding the numbers of weights ------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reading half of WeightReader: what is stored as it is wanted is moved
// without a look at it, everything else goes through f32.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Error.h"
#include "moec/Support/Float.h"
#include "moec/Target/WeightReader.h"

#include <cmath>
#include <cstring>

using namespace llvm;

namespace moec {

int64_t WeightReader::slices() const { return sliced ? logicalShape[0] : 1; }

ArrayRef<int64_t> WeightReader::sliceShape() const {
  return ArrayRef(logicalShape).drop_front(sliced ? 1 : 0);
}

int64_t WeightReader::sliceSize() const {
  int64_t size = 1;
  for (int64_t dim : sliceShape())
    size *= dim;
  return size;
}

const CheckpointTensor &WeightReader::tensor(size_t source,
                                             int64_t slice) const {
  return tensors[source][stacked ? slice : 0];
}

SmallVector<int64_t, 4> WeightReader::sliceStart(int64_t slice) const {
  SmallVector<int64_t, 4> index(logicalShape.size(), 0);
  if (sliced)
    index[0] = slice;
  return index;
}

std::pair<int64_t, int64_t> WeightReader::region(int64_t slice) const {
  SmallVector<int64_t, 4> begin = sliceStart(slice), end = begin;
  for (size_t d = sliced ? 1 : 0; d < end.size(); ++d)
    end[d] = logicalShape[d] - 1;
  // Strides are not negative, so the first element is at the lowest place.
  int64_t first = element.at(begin);
  return {first, element.at(end) - first + 1};
}

Error WeightReader::readBytes(size_t source, int64_t slice, int64_t first,
                              int64_t count,
                              std::vector<uint8_t> &bytes) const {
  bytes.resize(count);
  return checkpoint->read(tensor(source, slice), first, bytes);
}

/// Calls `body(place, element)` for the elements of a slice in row-major order;
/// `element` is where `index` takes them, from `start`.
template <typename Body>
static void forSlice(ArrayRef<int64_t> shape, const LinearIndex &index,
                     int64_t start, Body body) {
  ArrayRef<int64_t> strides = ArrayRef(index.strides).take_back(shape.size());
  int64_t cols = shape.back(), colStride = strides.back();
  int64_t rows = shape.size() < 2 ? 1 : shape[0];
  int64_t rowStride = shape.size() < 2 ? 0 : strides[0];
  int64_t place = 0;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c)
      body(place++, start + r * rowStride + c * colStride);
}

//===----------------------------------------------------------------------===//
// Elements that are stored as they are wanted
//===----------------------------------------------------------------------===//

template <typename T>
static void gather(ArrayRef<int64_t> shape, const LinearIndex &index,
                   const std::vector<uint8_t> &bytes, uint8_t *out) {
  const T *source = reinterpret_cast<const T *>(bytes.data());
  T *destination = reinterpret_cast<T *>(out);
  forSlice(shape, index, 0,
           [&](int64_t place, int64_t at) { destination[place] = source[at]; });
}

Error WeightReader::copySlice(int64_t slice, int64_t width,
                              MutableArrayRef<uint8_t> out,
                              ReadScratch &scratch) const {
  auto [first, count] = region(slice);
  ArrayRef<int64_t> shape = sliceShape();
  ArrayRef<int64_t> strides = ArrayRef(element.strides).take_back(shape.size());
  bool dense =
      strides.back() == 1 && (shape.size() < 2 || strides[0] == shape.back());
  if (dense)
    return checkpoint->read(tensor(0, slice), first * width, out);
  if (Error error =
          readBytes(0, slice, first * width, count * width, scratch.data))
    return error;
  if (width == 2)
    gather<uint16_t>(shape, element, scratch.data, out.data());
  else if (width == 4)
    gather<uint32_t>(shape, element, scratch.data, out.data());
  else
    gather<uint64_t>(shape, element, scratch.data, out.data());
  return Error::success();
}

/// Whether there is a NaN among numbers whose exponent is all ones from
/// `infinity` up.
template <typename T>
static bool findNan(ArrayRef<uint8_t> bytes, T infinity) {
  const T *codes = reinterpret_cast<const T *>(bytes.data());
  bool found = false;
  for (size_t i = 0; i < bytes.size() / sizeof(T); ++i)
    found |=
        static_cast<T>(codes[i] & static_cast<T>(T(~T(0)) >> 1)) > infinity;
  return found;
}

static bool findNan(DType dtype, ArrayRef<uint8_t> bytes) {
  switch (dtype) {
  case DType::BF16:
    return findNan<uint16_t>(bytes, 0x7f80);
  case DType::F16:
    return findNan<uint16_t>(bytes, 0x7c00);
  case DType::F32:
    return findNan<uint32_t>(bytes, 0x7f800000);
  default:
    return false;
  }
}

Error WeightReader::readSlice(int64_t slice, DType dtype,
                              MutableArrayRef<uint8_t> out, bool &hasNan,
                              ReadScratch &scratch) const {
  const CheckpointTensor &data = tensor(0, slice);
  if (encoding == Encoding::Plain && data.dtype() == dtype) {
    if (Error error = copySlice(slice, bitWidth(dtype) / 8, out, scratch))
      return error;
    hasNan |= findNan(dtype, out);
    return Error::success();
  }
  if (dtype == DType::I64 || dtype == DType::I32)
    return inputError("{}: tensor {} is {}, but weight {} needs {}",
                      data.file->path(), quote(data.name()),
                      dtypeName(data.dtype()), quote(name), dtypeName(dtype));
  if (Error error = decodeSlice(slice, scratch))
    return error;
  for (float x : scratch.values)
    hasNan |= std::isnan(x);
  return encodeFromFloat(dtype, scratch.values, out);
}

//===----------------------------------------------------------------------===//
// Elements by way of f32
//===----------------------------------------------------------------------===//

Error WeightReader::decodeSlice(int64_t slice, ReadScratch &scratch) const {
  scratch.values.resize(sliceSize());
  if (encoding == Encoding::Mxfp4)
    return decodeMxfp4(slice, scratch);
  auto [first, count] = region(slice);
  const CheckpointTensor &data = tensor(0, slice);
  int64_t width = bitWidth(data.dtype()) / 8;
  if (Error error =
          readBytes(0, slice, first * width, count * width, scratch.data))
    return error;
  scratch.stored.resize(count);
  if (Error error = decodeToFloat(data.dtype(), scratch.data, scratch.stored))
    return error;
  forSlice(sliceShape(), element, 0, [&](int64_t place, int64_t at) {
    scratch.values[place] = scratch.stored[at];
  });
  return encoding == Encoding::Plain ? Error::success()
                                     : applyBlockScales(slice, scratch);
}

Error WeightReader::decodeMxfp4(int64_t slice, ReadScratch &scratch) const {
  auto [first, count] = region(slice);
  int64_t last = first + count - 1;
  int64_t firstByte = first / 2, firstScale = first / 32;
  if (Error error = readBytes(0, slice, firstByte, last / 2 - firstByte + 1,
                              scratch.data))
    return error;
  if (Error error = readBytes(1, slice, firstScale, last / 32 - firstScale + 1,
                              scratch.scales))
    return error;
  forSlice(sliceShape(), element, first, [&](int64_t place, int64_t at) {
    uint8_t byte = scratch.data[at / 2 - firstByte];
    uint8_t code = at % 2 ? byte >> 4 : byte & 15;
    scratch.values[place] =
        e2m1ToFloat(code) * e8m0ToFloat(scratch.scales[at / 32 - firstScale]);
  });
  return Error::success();
}

Error WeightReader::applyBlockScales(int64_t slice,
                                     ReadScratch &scratch) const {
  const CheckpointTensor &source = tensor(1, slice);
  if (Error error = readBytes(1, slice, 0, source.bytes(), scratch.scales))
    return error;
  auto scale = [&](int64_t at) {
    float value;
    std::memcpy(&value, scratch.scales.data() + at * sizeof(float),
                sizeof(float));
    return value;
  };
  SmallVector<int64_t, 4> begin = sliceStart(slice);
  int64_t scaleCols = source.shape().back();
  int64_t scaleRows = source.shape()[source.shape().size() - 2];
  // A tensor that holds all experts has scales for each.
  int64_t offset = !stacked && sliced && source.shape().size() == 3
                       ? begin[0] * scaleRows * scaleCols
                       : 0;
  std::vector<int64_t> rowOf(scratch.values.size());
  forSlice(sliceShape(), row, row.at(begin),
           [&](int64_t place, int64_t at) { rowOf[place] = at; });
  scratch.elementScales.resize(scratch.values.size());
  forSlice(sliceShape(), col, col.at(begin), [&](int64_t place, int64_t at) {
    float factor =
        scale(offset + rowOf[place] / blockRows * scaleCols + at / blockCols);
    scratch.elementScales[place] = factor;
    scratch.values[place] *= factor;
  });
  return Error::success();
}

} // namespace moec

//===- CheckpointWeights.cpp - weights of a checkpoint ----------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the part of a stored tensor that is asked for and decodes it number by
// number. The formulas of the encodings are those of dialects/moe/MoeAttrs.td.
//
//===----------------------------------------------------------------------===//

#include "IndexMap.h"
#include "moec/Reference/Weights.h"
#include "moec/Support/Error.h"
#include "moec/Support/Float.h"
#include "moec/Support/StackedName.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using mlir::moe::Fp8BlockAttr;
using mlir::moe::Mxfp4Attr;
using mlir::moe::WeightOp;

namespace moec::reference {

namespace {

/// A part of a stored tensor, by the positions of its elements.
struct StoredRange {
  Tensor values;
  int64_t first = 0;

  double operator[](int64_t position) const {
    return values.value[position - first];
  }
};

/// Reads one weight, or a part of it.
class WeightReader {
public:
  WeightReader(const Checkpoint &checkpoint, WeightOp weight)
      : checkpoint(checkpoint), weight(weight), type(weight.getTensorType()),
        fp8(dyn_cast_if_present<Fp8BlockAttr>(type.getEncoding())),
        isMxfp4(isa_and_present<Mxfp4Attr>(type.getEncoding())),
        format(formatOf(type.getElementType())) {}

  /// The elements whose first index is in [begin, end), all below each other.
  Expected<Tensor> read(int64_t begin, int64_t end);

private:
  static Format formatOf(mlir::Type element) {
    return element.isBF16()  ? bf16Format
           : element.isF16() ? f16Format
                             : f32Format;
  }
  Expected<const CheckpointTensor *> source(unsigned index, int64_t expert);
  Expected<Shape> storedShape(const CheckpointTensor &data);
  Error checkScales(const CheckpointTensor &scales, const Shape &shape,
                    const Shape &stored) const;
  Expected<StoredRange> range(const CheckpointTensor &tensor, int64_t first,
                              int64_t last) const;
  /// Appends the elements in the box to `result`.
  Error readBox(int64_t expert, ArrayRef<int64_t> begin, ArrayRef<int64_t> size,
                Tensor &result);
  Error readFp8(const CheckpointTensor &data, const CheckpointTensor &scales,
                const Shape &stored, const StoredPositions &at,
                Tensor &result) const;
  Error readMxfp4(const CheckpointTensor &codes, const CheckpointTensor &scales,
                  const Shape &stored, const StoredPositions &at,
                  Tensor &result) const;
  Error readPlain(const CheckpointTensor &data, const StoredPositions &at,
                  Tensor &result) const;
  void append(double value, Tensor &result) const;

  const Checkpoint &checkpoint;
  WeightOp weight;
  mlir::RankedTensorType type;
  Fp8BlockAttr fp8;
  bool isMxfp4;
  Format format;
};

} // namespace

/// File tensor `index` of the weight, that of `expert` if there is one each.
Expected<const CheckpointTensor *> WeightReader::source(unsigned index,
                                                        int64_t expert) {
  std::string name = stackedName(
      cast<mlir::StringAttr>(weight.getSources()[index]).getValue(), expert);
  if (const CheckpointTensor *tensor = checkpoint.find(name))
    return tensor;
  return inputError("{} has no tensor {}, which weight '{}' is read from; "
                    "check that all of its files are there",
                    printable(checkpoint.directory()), quote(name),
                    printable(weight.getSymName()));
}

/// The shape of the numbers in `data`, where codes are packed.
Expected<Shape> WeightReader::storedShape(const CheckpointTensor &data) {
  Shape shape(data.shape());
  auto refuse = [&](StringRef expected) {
    return inputError("tensor {} in {} is {} {}, but weight '{}' takes {}",
                      quote(data.name()), printable(data.file->path()),
                      dtypeName(data.dtype()), formatShape(shape),
                      printable(weight.getSymName()), expected);
  };
  if (isMxfp4) {
    bool fits = data.dtype() == DType::U8 && shape.size() >= 2 &&
                shape.back() == 16 && shape.end()[-2] < (int64_t(1) << 58);
    if (!fits)
      return refuse("codes of u8 [.., K / 32, 16]");
    shape.pop_back();
    shape.back() *= 32;
    return shape;
  }
  if (fp8) {
    if (data.dtype() != DType::F8E4M3 || shape.size() < 2)
      return refuse("numbers of f8e4m3 [.., N, K] with a scale for each block");
    return shape;
  }
  bool isInteger = isa<mlir::IntegerType>(type.getElementType());
  switch (data.dtype()) {
  case DType::F64:
  case DType::F32:
  case DType::F16:
  case DType::BF16:
    return isInteger ? Expected<Shape>(refuse("integers")) : shape;
  case DType::I64:
  case DType::I32:
    return isInteger ? Expected<Shape>(shape) : refuse("floats");
  default:
    return refuse(isInteger ? "i32 or i64" : "f32, f16, bf16 or f64");
  }
}

Error WeightReader::checkScales(const CheckpointTensor &scales,
                                const Shape &shape, const Shape &stored) const {
  bool isKnown =
      isMxfp4 ? scales.dtype() == DType::U8 || scales.dtype() == DType::F8E8M0
              : scales.dtype() == DType::F32 || scales.dtype() == DType::BF16;
  if (isKnown && Shape(scales.shape()) == shape)
    return Error::success();
  return inputError("tensor {} in {} is {} {}, but the scales of numbers {} "
                    "are {} {}",
                    quote(scales.name()), printable(scales.file->path()),
                    dtypeName(scales.dtype()), formatShape(scales.shape()),
                    formatShape(stored), isMxfp4 ? "u8" : "f32",
                    formatShape(shape));
}

/// The elements [first, last] of a tensor, each of a whole number of bytes.
Expected<StoredRange> WeightReader::range(const CheckpointTensor &tensor,
                                          int64_t first, int64_t last) const {
  HostTensor part;
  part.dtype = tensor.dtype();
  part.shape = {last - first + 1};
  uint64_t width = bitWidth(part.dtype) / 8;
  part.bytes.resize(static_cast<size_t>(last - first + 1) * width);
  if (Error error = checkpoint.read(
          tensor, static_cast<uint64_t>(first) * width, part.bytes))
    return std::move(error);
  Expected<Tensor> values = fromHost(part);
  if (!values)
    return values.takeError();
  return StoredRange{std::move(*values), first};
}

/// A number whose decoding may round, in f32 and then to the element type.
void WeightReader::append(double value, Tensor &result) const {
  Number number = converted(converted({value, 0}, f32Format), format);
  // A value that is too large for the type stays what it is in the file.
  double error = std::isfinite(number.value) ? number.error : infinity;
  if (error > 0)
    result.error.resize(result.value.size());
  result.value.push_back(value);
  if (!result.error.empty() || error > 0)
    result.error.push_back(error);
}

Error WeightReader::readPlain(const CheckpointTensor &data,
                              const StoredPositions &at, Tensor &result) const {
  Expected<StoredRange> numbers = range(data, at.lowest, at.highest);
  if (!numbers)
    return numbers.takeError();
  for (int64_t position : at.positions) {
    if (result.kind == Kind::Float)
      append((*numbers)[position], result);
    else
      result.ints.push_back(numbers->values.ints[position - at.lowest]);
  }
  return Error::success();
}

Error WeightReader::readFp8(const CheckpointTensor &data,
                            const CheckpointTensor &scales, const Shape &stored,
                            const StoredPositions &at, Tensor &result) const {
  int64_t n = stored.end()[-2], k = stored.back();
  Shape scaleShape = stored;
  scaleShape.end()[-2] = divideCeilSigned(n, fp8.getRows());
  scaleShape.back() = divideCeilSigned(k, fp8.getCols());
  if (Error error = checkScales(scales, scaleShape, stored))
    return error;
  auto block = [&](int64_t position) {
    int64_t row = position / k % n, column = position % k;
    return (position / k / n * scaleShape.end()[-2] + row / fp8.getRows()) *
               scaleShape.back() +
           column / fp8.getCols();
  };
  Expected<StoredRange> numbers = range(data, at.lowest, at.highest);
  if (!numbers)
    return numbers.takeError();
  // Blocks of one row of blocks are neighbours of those of the next.
  int64_t first = block(at.lowest - at.lowest % k);
  int64_t last = block(at.highest - at.highest % k + k - 1);
  Expected<StoredRange> factors = range(scales, first, last);
  if (!factors)
    return factors.takeError();
  for (int64_t position : at.positions)
    append((*numbers)[position] * (*factors)[block(position)], result);
  return Error::success();
}

Error WeightReader::readMxfp4(const CheckpointTensor &codes,
                              const CheckpointTensor &scales,
                              const Shape &stored, const StoredPositions &at,
                              Tensor &result) const {
  Shape scaleShape = stored;
  scaleShape.back() /= 32;
  if (Error error = checkScales(scales, scaleShape, stored))
    return error;
  Expected<StoredRange> bytes = range(codes, at.lowest / 2, at.highest / 2);
  if (!bytes)
    return bytes.takeError();
  std::vector<uint8_t> exponents(
      static_cast<size_t>(at.highest / 32 - at.lowest / 32 + 1));
  if (Error error = checkpoint.read(
          scales, static_cast<uint64_t>(at.lowest / 32), exponents))
    return error;
  for (int64_t position : at.positions) {
    int64_t byte = bytes->values.ints[position / 2 - bytes->first];
    auto code = static_cast<uint8_t>(position % 2 ? byte >> 4 : byte & 15);
    uint8_t exponent = exponents[position / 32 - at.lowest / 32];
    append(static_cast<double>(e2m1ToFloat(code)) *
               static_cast<double>(e8m0ToFloat(exponent)),
           result);
  }
  return Error::success();
}

Error WeightReader::readBox(int64_t expert, ArrayRef<int64_t> begin,
                            ArrayRef<int64_t> size, Tensor &result) {
  Expected<const CheckpointTensor *> data = source(0, expert);
  if (!data)
    return data.takeError();
  Expected<Shape> stored = storedShape(**data);
  if (!stored)
    return stored.takeError();
  Expected<StoredPositions> at = storedPositions(
      weight.getIndexMap(), begin, size, *stored, (*data)->name());
  if (!at)
    return at.takeError();
  if (!fp8 && !isMxfp4)
    return readPlain(**data, *at, result);
  Expected<const CheckpointTensor *> scales = source(1, expert);
  if (!scales)
    return scales.takeError();
  return fp8 ? readFp8(**data, **scales, *stored, *at, result)
             : readMxfp4(**data, **scales, *stored, *at, result);
}

Expected<Tensor> WeightReader::read(int64_t begin, int64_t end) {
  Tensor result;
  result.shape = Shape(type.getShape());
  result.shape[0] = end - begin;
  if (isa<mlir::IntegerType>(type.getElementType()))
    result.kind = Kind::Int;
  SmallVector<int64_t> from(result.shape.size(), 0);
  Shape size = result.shape;
  if (!weight.isStacked()) {
    from[0] = begin;
    if (Error error = readBox(-1, from, size, result))
      return std::move(error);
    return result;
  }
  size[0] = 1;
  for (int64_t expert = begin; expert < end; ++expert) {
    from[0] = expert;
    if (Error error = readBox(expert, from, size, result))
      return std::move(error);
  }
  return result;
}

Expected<Tensor> CheckpointWeights::get(WeightOp weight) {
  mlir::RankedTensorType type = weight.getTensorType();
  if (type.getRank() > 0)
    return WeightReader(checkpoint, weight).read(0, type.getDimSize(0));
  return inputError("weight '{}' is a scalar; declare it as a tensor of one "
                    "element",
                    printable(weight.getSymName()));
}

Expected<Tensor> CheckpointWeights::getExpert(WeightOp weight, int64_t index) {
  assert(index >= 0 && index < weight.getTensorType().getDimSize(0));
  Expected<Tensor> part =
      WeightReader(checkpoint, weight).read(index, index + 1);
  if (part)
    part->shape.erase(part->shape.begin());
  return part;
}

} // namespace moec::reference

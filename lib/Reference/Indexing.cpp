//===- Indexing.cpp - walking over the elements of tensors ------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Row-major order, and sizes that are attributes or values.
//
//===----------------------------------------------------------------------===//

#include "Indexing.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace moec::reference {

Shape stridesOf(ArrayRef<int64_t> shape) {
  Shape strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

void forEachIndex(ArrayRef<int64_t> shape,
                  function_ref<void(ArrayRef<int64_t>)> function) {
  if (is_contained(shape, 0))
    return;
  SmallVector<int64_t> index(shape.size(), 0);
  while (true) {
    function(index);
    size_t dim = shape.size();
    while (dim > 0 && ++index[dim - 1] == shape[dim - 1])
      index[--dim] = 0;
    if (dim == 0)
      return;
  }
}

Tensor gathered(const Tensor &source, Shape shape, ArrayRef<int64_t> from) {
  Tensor result;
  result.kind = source.kind;
  result.shape = std::move(shape);
  auto copy = [&](const auto &elements, auto &to) {
    if (elements.empty())
      return;
    to.reserve(from.size());
    for (int64_t i : from)
      to.push_back(elements[i]);
  };
  copy(source.value, result.value);
  copy(source.error, result.error);
  copy(source.ints, result.ints);
  return result;
}

int64_t valueOf(mlir::OpFoldResult value, const Frame &frame) {
  if (auto attribute = dyn_cast<mlir::Attribute>(value))
    return cast<mlir::IntegerAttr>(attribute).getInt();
  return scalarInteger(frame[cast<mlir::Value>(value)]);
}

SmallVector<int64_t> valuesOf(ArrayRef<mlir::OpFoldResult> values,
                              const Frame &frame) {
  return to_vector(map_range(
      values, [&](mlir::OpFoldResult value) { return valueOf(value, frame); }));
}

Expected<Shape> checkedShape(mlir::Operation *op, ArrayRef<int64_t> sizes) {
  constexpr int64_t limit = int64_t(1) << 34;
  std::optional<int64_t> count = numElements(sizes);
  if (!count || *count > limit)
    return errorAt(op, fmt::format("a tensor {} cannot be made (at most {} "
                                   "elements)",
                                   formatShape(sizes), limit));
  return Shape(sizes);
}

Expected<Shape> shapeOfType(mlir::Operation *op, mlir::Type type,
                            mlir::ValueRange dynamicSizes, const Frame &frame) {
  SmallVector<int64_t> sizes;
  size_t next = 0;
  for (int64_t size : cast<mlir::RankedTensorType>(type).getShape())
    sizes.push_back(mlir::ShapedType::isDynamic(size)
                        ? scalarInteger(frame[dynamicSizes[next++]])
                        : size);
  return checkedShape(op, sizes);
}

} // namespace moec::reference

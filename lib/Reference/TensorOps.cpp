//===- TensorOps.cpp - making and cutting tensors ---------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constants and the tensor dialect: operations that move elements and compute
// nothing.
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "Indexing.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace llvm;
namespace tensor = mlir::tensor;

namespace moec::reference {

//===----------------------------------------------------------------------===//
// New tensors
//===----------------------------------------------------------------------===//

static Error evaluateConstant(mlir::arith::ConstantOp op, Frame &frame) {
  mlir::Attribute value = op.getValue();
  if (auto number = dyn_cast<mlir::FloatAttr>(value)) {
    frame.define(op, Tensor::scalar(Number{number.getValueAsDouble(), 0}));
    return Error::success();
  }
  if (auto integer = dyn_cast<mlir::IntegerAttr>(value)) {
    Kind kind = integerKind(integer.getType());
    int64_t bits = integer.getValue().getSExtValue();
    frame.define(op, Tensor::scalar(wrapped(bits, integer.getType()), kind));
    return Error::success();
  }
  auto elements = dyn_cast<mlir::DenseElementsAttr>(value);
  if (!elements)
    return errorAt(op, "the reference reads constants that are numbers or "
                       "dense tensors");
  Expected<Shape> shape = checkedShape(op, elements.getType().getShape());
  if (!shape)
    return shape.takeError();
  mlir::Type type = elements.getElementType();
  if (isa<mlir::FloatType>(type)) {
    Tensor result = Tensor::floats(*shape);
    for (auto [i, number] : enumerate(elements.getValues<APFloat>()))
      result.set(static_cast<int64_t>(i), {number.convertToDouble(), 0});
    frame.define(op, std::move(result));
    return Error::success();
  }
  IntegerResult result(*shape, type);
  for (auto [i, bits] : enumerate(elements.getValues<APInt>()))
    result.set(static_cast<int64_t>(i), bits.getSExtValue(), false);
  frame.define(op, result.take());
  return Error::success();
}

static Error evaluateEmpty(tensor::EmptyOp op, Frame &frame) {
  Expected<Shape> shape =
      shapeOfType(op, op.getType(), op.getDynamicSizes(), frame);
  if (!shape)
    return shape.takeError();
  if (!isa<mlir::FloatType>(op.getType().getElementType())) {
    frame.define(op, Tensor::integers(*shape));
    return Error::success();
  }
  // Whoever reads what was never written gets noticed.
  Tensor result = Tensor::floats(*shape);
  std::fill(result.value.begin(), result.value.end(),
            std::numeric_limits<double>::quiet_NaN());
  frame.define(op, std::move(result));
  return Error::success();
}

static Error evaluateSplat(tensor::SplatOp op, Frame &frame) {
  Expected<Shape> shape =
      shapeOfType(op, op.getType(), op.getDynamicSizes(), frame);
  if (!shape)
    return shape.takeError();
  std::vector<int64_t> from(static_cast<size_t>(*numElements(*shape)), 0);
  frame.define(op, gathered(frame[op.getInput()], *shape, from));
  return Error::success();
}

static Error evaluateFill(mlir::linalg::FillOp op, Frame &frame) {
  if (op->getNumResults() != 1)
    return errorAt(op, "the reference works on tensors, not on buffers");
  const Tensor &out = frame[op.getOutputs()[0]];
  std::vector<int64_t> from(static_cast<size_t>(out.size()), 0);
  frame.define(op->getResult(0),
               gathered(frame[op.getInputs()[0]], out.shape, from));
  return Error::success();
}

static Error evaluateGenerate(tensor::GenerateOp op, Frame &frame) {
  Expected<Shape> shape =
      shapeOfType(op, op.getType(), op.getDynamicExtents(), frame);
  if (!shape)
    return shape.takeError();
  SmallVector<TensorRef> indices;
  for (size_t dim = 0; dim < shape->size(); ++dim) {
    Tensor index = Tensor::integers(*shape);
    int64_t next = 0;
    forEachIndex(*shape, [&](ArrayRef<int64_t> point) {
      index.ints[next++] = point[dim];
    });
    indices.push_back(std::make_shared<Tensor>(std::move(index)));
  }
  Expected<SmallVector<TensorRef>> yielded =
      evaluateForAll(op.getBody().front(), indices, *shape, frame);
  if (!yielded)
    return yielded.takeError();
  frame.define(op, yielded->front());
  return Error::success();
}

static Error evaluateFromElements(tensor::FromElementsOp op, Frame &frame) {
  Tensor result;
  result.shape = Shape(op.getType().getShape());
  for (mlir::Value element : op.getElements()) {
    const Tensor &scalar = frame[element];
    if (scalar.rank() != 0)
      return errorAt(op, "its elements depend on the iteration around it");
    result.kind = scalar.kind;
    if (scalar.kind == Kind::Float) {
      result.value.push_back(scalar.value[0]);
      result.error.push_back(scalar.errorAt(0));
    } else {
      result.ints.push_back(scalar.ints[0]);
    }
  }
  frame.define(op, std::move(result));
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Parts of tensors
//===----------------------------------------------------------------------===//

static Error evaluateDim(tensor::DimOp op, Frame &frame) {
  const Shape &shape = frame[op.getSource()].shape;
  int64_t dim = scalarInteger(frame[op.getIndex()]);
  if (dim < 0 || dim >= static_cast<int64_t>(shape.size()))
    return errorAt(op, fmt::format("dimension {} of a tensor of rank {}", dim,
                                   shape.size()));
  frame.define(op, Tensor::scalar(shape[dim]));
  return Error::success();
}

/// Reads one element; several, if its indices stand for many.
static Error evaluateExtract(tensor::ExtractOp op, Frame &frame) {
  const Tensor &source = frame[op.getTensor()];
  Shape strides = stridesOf(source.shape), shape;
  int64_t count = 1;
  for (mlir::Value value : op.getIndices())
    if (const Tensor &index = frame[value]; index.rank() > 0) {
      shape = index.shape;
      count = index.size();
    }
  std::vector<int64_t> from(static_cast<size_t>(count), 0);
  for (auto [dim, value] : enumerate(op.getIndices())) {
    const Tensor &index = frame[value];
    for (int64_t i = 0; i < count; ++i) {
      int64_t at = index.ints[index.rank() == 0 ? 0 : i];
      if (at < 0 || at >= source.shape[dim])
        return errorAt(op, fmt::format("index {} in dimension {} of {}", at,
                                       dim, formatShape(source.shape)));
      from[i] += at * strides[dim];
    }
  }
  frame.define(op, gathered(source, shape, from));
  return Error::success();
}

/// The elements a slice of `shape` consists of.
static Expected<std::vector<int64_t>>
sliceElements(mlir::OffsetSizeAndStrideOpInterface op, const Shape &shape,
              ArrayRef<int64_t> sizes, const Frame &frame) {
  auto offsets = valuesOf(op.getMixedOffsets(), frame);
  auto steps = valuesOf(op.getMixedStrides(), frame);
  for (size_t dim = 0; dim < shape.size(); ++dim) {
    bool isEmpty = sizes[dim] == 0;
    int64_t last = 0;
    bool overflows = MulOverflow(sizes[dim] - 1, steps[dim], last) ||
                     AddOverflow(last, offsets[dim], last);
    if (sizes[dim] < 0 || offsets[dim] < 0 ||
        (!isEmpty && (overflows || offsets[dim] >= shape[dim] || last < 0 ||
                      last >= shape[dim])))
      return errorAt(op, fmt::format("offset {}, size {} and stride {} leave "
                                     "dimension {} of {}",
                                     offsets[dim], sizes[dim], steps[dim], dim,
                                     formatShape(shape)));
  }
  Shape strides = stridesOf(shape);
  std::vector<int64_t> elements;
  forEachIndex(sizes, [&](ArrayRef<int64_t> index) {
    int64_t at = 0;
    for (size_t dim = 0; dim < shape.size(); ++dim)
      at += (offsets[dim] + index[dim] * steps[dim]) * strides[dim];
    elements.push_back(at);
  });
  return elements;
}

static Error evaluateExtractSlice(tensor::ExtractSliceOp op, Frame &frame) {
  const Tensor &source = frame[op.getSource()];
  auto sizes = valuesOf(op.getMixedSizes(), frame);
  Expected<std::vector<int64_t>> from =
      sliceElements(op, source.shape, sizes, frame);
  if (!from)
    return from.takeError();
  llvm::SmallBitVector dropped = op.getDroppedDims();
  Shape shape;
  for (auto [dim, size] : enumerate(sizes))
    if (!dropped.test(static_cast<unsigned>(dim)))
      shape.push_back(size);
  frame.define(op, gathered(source, shape, *from));
  return Error::success();
}

static Error evaluateInsertSlice(tensor::InsertSliceOp op, Frame &frame) {
  const Tensor &source = frame[op.getSource()];
  Tensor result = frame[op.getDest()];
  auto sizes = valuesOf(op.getMixedSizes(), frame);
  Expected<std::vector<int64_t>> to =
      sliceElements(op, result.shape, sizes, frame);
  if (!to)
    return to.takeError();
  if (static_cast<int64_t>(to->size()) != source.size())
    return errorAt(op, fmt::format("{} elements in the place of {}",
                                   source.size(), to->size()));
  if (result.kind == Kind::Float && result.error.empty())
    result.error.assign(result.value.size(), 0);
  for (auto [i, at] : enumerate(*to)) {
    if (result.kind == Kind::Float)
      result.set(at, source.at(static_cast<int64_t>(i)));
    else
      result.ints[at] = source.ints[i];
  }
  frame.define(op, std::move(result));
  return Error::success();
}

static Error evaluateConcat(tensor::ConcatOp op, Frame &frame) {
  uint64_t dim = op.getDim();
  Tensor result;
  for (mlir::Value input : op.getInputs()) {
    const Tensor &part = frame[input];
    Shape expected = part.shape;
    if (result.shape.empty()) {
      result.shape = part.shape;
      result.kind = part.kind;
      result.shape[dim] = 0;
    }
    expected[dim] = result.shape[dim];
    if (expected != result.shape)
      return errorAt(op, fmt::format("a part has the shape {}, those before it "
                                     "{}",
                                     formatShape(part.shape),
                                     formatShape(result.shape)));
    result.shape[dim] += part.shape[dim];
  }
  bool isFloat = result.kind == Kind::Float;
  int64_t outer = 1, inner = 1;
  for (auto [i, size] : enumerate(result.shape))
    (i < dim ? outer : inner) *= i == dim ? 1 : size;
  for (int64_t o = 0; o < outer; ++o)
    for (mlir::Value input : op.getInputs()) {
      const Tensor &part = frame[input];
      int64_t run = part.shape[dim] * inner;
      for (int64_t i = o * run; i < (o + 1) * run; ++i) {
        if (!isFloat) {
          result.ints.push_back(part.ints[i]);
          continue;
        }
        result.value.push_back(part.value[i]);
        result.error.push_back(part.errorAt(i));
      }
    }
  frame.define(op, std::move(result));
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Other shapes
//===----------------------------------------------------------------------===//

static Error reshape(mlir::Operation *op, mlir::Value source,
                     ArrayRef<int64_t> sizes, Frame &frame) {
  Tensor result = frame[source];
  std::optional<int64_t> count = numElements(sizes);
  if (count != result.size())
    return errorAt(op, fmt::format("{} elements do not make {}", result.size(),
                                   formatShape(sizes)));
  result.shape = Shape(sizes);
  frame.define(op->getResult(0), std::move(result));
  return Error::success();
}

static Error evaluateCollapse(tensor::CollapseShapeOp op, Frame &frame) {
  const Shape &from = frame[op.getSrc()].shape;
  SmallVector<int64_t> sizes;
  for (const auto &group : op.getReassociationIndices()) {
    sizes.push_back(1);
    for (int64_t dim : group)
      sizes.back() *= from[dim];
  }
  return reshape(op, op.getSrc(), sizes, frame);
}

static Error evaluateExpand(tensor::ExpandShapeOp op, Frame &frame) {
  return reshape(op, op.getSrc(), valuesOf(op.getMixedOutputShape(), frame),
                 frame);
}

static Error evaluateCast(tensor::CastOp op, Frame &frame) {
  auto type = dyn_cast<mlir::RankedTensorType>(op.getType());
  const Shape &shape = frame[op.getSource()].shape;
  for (size_t dim = 0; type && dim < shape.size(); ++dim)
    if (!type.isDynamicDim(dim) && type.getDimSize(dim) != shape[dim])
      return errorAt(op, fmt::format("dimension {} of {} is not {}", dim,
                                     formatShape(shape), type.getDimSize(dim)));
  frame.define(op, frame.ref(op.getSource()));
  return Error::success();
}

void addTensorOps(OpTable &table) {
  table.add(evaluateConstant);
  table.add(evaluateEmpty);
  table.add(evaluateSplat);
  table.add(evaluateFill);
  table.add(evaluateGenerate);
  table.add(evaluateFromElements);
  table.add(evaluateDim);
  table.add(evaluateExtract);
  table.add(evaluateExtractSlice);
  table.add(evaluateInsertSlice);
  table.add(evaluateConcat);
  table.add(evaluateCollapse);
  table.add(evaluateExpand);
  table.add(evaluateCast);
}

} // namespace moec::reference

//===- WeightReader.cpp - Logical weights out of a checkpoint -------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Index maps are affine, so the place of an element in its file tensor is a
// base plus strides, and a matrix is read as one region of the file.
//
//===----------------------------------------------------------------------===//

#include "moec/Target/WeightReader.h"
#include "moec/Support/Error.h"
#include "moec/Support/Float.h"
#include "moec/Support/StackedName.h"

#include "mlir/IR/AffineExpr.h"

using namespace llvm;
using namespace mlir;

namespace moec {

int64_t LinearIndex::at(ArrayRef<int64_t> index) const {
  int64_t result = base;
  for (auto [stride, i] : zip_equal(strides, index))
    result += stride * i;
  return result;
}

/// `expr` as a linear function of its dimensions, times `factor`, added to
/// `sum`; false if it is not linear.
static bool addLinear(AffineExpr expr, int64_t factor, LinearIndex &sum) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    sum.base += factor * constant.getValue();
    return true;
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    sum.strides[dim.getPosition()] += factor;
    return true;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  if (expr.getKind() == AffineExprKind::Add)
    return addLinear(binary.getLHS(), factor, sum) &&
           addLinear(binary.getRHS(), factor, sum);
  auto constant = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return expr.getKind() == AffineExprKind::Mul && constant &&
         addLinear(binary.getLHS(), factor * constant.getValue(), sum);
}

//===----------------------------------------------------------------------===//
// Finding the tensors
//===----------------------------------------------------------------------===//

/// The shape of the decoded file tensor.
static Shape decodedShape(const CheckpointTensor &tensor, bool mxfp4) {
  Shape shape(tensor.shape());
  if (!mxfp4)
    return shape;
  // [.., K / 32, 16] bytes of two numbers each.
  int64_t blocks = shape[shape.size() - 2];
  shape.pop_back();
  shape.back() = blocks * 32;
  return shape;
}

Expected<WeightReader> WeightReader::create(moe::WeightOp weight,
                                            const Checkpoint &checkpoint) {
  WeightReader reader;
  reader.checkpoint = &checkpoint;
  reader.name = weight.getSymName().str();
  reader.logicalShape.assign(weight.getTensorType().getShape().begin(),
                             weight.getTensorType().getShape().end());
  reader.stacked = weight.isStacked();
  reader.sliced = isSliced(weight);
  Attribute encoding = weight.getTensorType().getEncoding();
  if (auto block = dyn_cast_if_present<moe::Fp8BlockAttr>(encoding)) {
    reader.encoding = Encoding::Fp8Block;
    reader.blockRows = block.getRows();
    reader.blockCols = block.getCols();
  } else if (isa_and_present<moe::Mxfp4Attr>(encoding)) {
    reader.encoding = Encoding::Mxfp4;
  }
  if (Error error = reader.locate(weight, checkpoint))
    return std::move(error);
  if (Error error = reader.checkShapes(weight))
    return std::move(error);
  return reader;
}

Error WeightReader::locate(moe::WeightOp weight, const Checkpoint &checkpoint) {
  int64_t copies = stacked ? logicalShape[0] : 1;
  for (Attribute source : weight.getSources()) {
    std::vector<CheckpointTensor> list;
    auto pattern = cast<StringAttr>(source).getValue();
    for (int64_t e = 0; e < copies; ++e) {
      std::string file = stackedName(pattern, e);
      const CheckpointTensor *tensor = checkpoint.find(file);
      if (!tensor)
        return inputError("{}: tensor {} of weight {} is missing; the "
                          "checkpoint is not complete or not of this model",
                          checkpoint.directory(), quote(file), quote(name));
      if (!list.empty() && (list[0].shape() != tensor->shape() ||
                            list[0].dtype() != tensor->dtype()))
        return inputError(
            "{}: tensor {} is {} {}, but {} is {} {}; all experts of weight {} "
            "have one shape and type",
            tensor->file->path(), quote(file), dtypeName(tensor->dtype()),
            formatShape(tensor->shape()), quote(list[0].name()),
            dtypeName(list[0].dtype()), formatShape(list[0].shape()),
            quote(name));
      list.push_back(*tensor);
    }
    tensors.push_back(std::move(list));
  }
  return Error::success();
}

/// Reports that a file tensor is not what its weight needs.
static Error wrongTensor(const CheckpointTensor &tensor, StringRef weight,
                         const std::string &want) {
  return inputError("{}: tensor {} is {} {}, but weight {} needs {}",
                    tensor.file->path(), quote(tensor.name()),
                    dtypeName(tensor.dtype()), formatShape(tensor.shape()),
                    quote(weight), want);
}

Error WeightReader::checkShapes(moe::WeightOp weight) {
  const CheckpointTensor &data = tensors[0][0];
  bool mxfp4 = encoding == Encoding::Mxfp4;
  if (encoding == Encoding::Plain && !isDecodable(data.dtype()))
    return wrongTensor(data, name, "a type that can be decoded to f32");
  if (encoding == Encoding::Fp8Block && data.dtype() != DType::F8E4M3)
    return wrongTensor(data, name, "f8e4m3 for its #moe.fp8_block encoding");
  if (mxfp4 && (data.dtype() != DType::U8 || data.shape().size() < 2 ||
                data.shape().back() != 16))
    return wrongTensor(data, name, "u8 [.., K / 32, 16] for #moe.mxfp4");
  Shape shape = decodedShape(data, mxfp4);

  AffineMap map = weight.getIndexMap();
  if (map.getNumResults() != shape.size())
    return wrongTensor(data, name, fmt::format("rank {}", map.getNumResults()));
  int64_t rank = logicalShape.size();
  element.strides.assign(rank, 0);
  int64_t stride = 1;
  for (int64_t dim = shape.size() - 1; dim >= 0; --dim) {
    LinearIndex index;
    index.strides.assign(rank, 0);
    if (!addLinear(map.getResult(dim), 1, index))
      return inputError("weight {}: its index map is not linear", quote(name));
    if (index.base < 0 ||
        llvm::any_of(index.strides, [](int64_t stride) { return stride < 0; }))
      return inputError("weight {}: its index map counts backwards",
                        quote(name));
    // The largest index the logical tensor reaches.
    int64_t last = index.base;
    for (int64_t d = 0; d < rank; ++d)
      last += index.strides[d] * (logicalShape[d] - 1);
    if (last >= shape[dim])
      return wrongTensor(
          data, name,
          fmt::format("{} or more in dimension {} for weight shape {}",
                      last + 1, dim, formatShape(logicalShape)));
    element.base += stride * index.base;
    for (int64_t d = 0; d < rank; ++d)
      element.strides[d] += stride * index.strides[d];
    if (dim == static_cast<int64_t>(shape.size()) - 1)
      col = index;
    if (dim == static_cast<int64_t>(shape.size()) - 2)
      row = index;
    stride *= shape[dim];
  }
  if (encoding == Encoding::Plain)
    return Error::success();

  const CheckpointTensor &scales = tensors[1][0];
  Shape wanted = shape;
  if (mxfp4) {
    wanted.back() /= 32;
    if (scales.dtype() != DType::U8 || ArrayRef(wanted) != scales.shape())
      return wrongTensor(scales, name, "u8 scales " + formatShape(wanted));
    return Error::success();
  }
  if (shape.size() < 2)
    return wrongTensor(data, name, "a matrix for its #moe.fp8_block encoding");
  wanted.back() = divideCeil(shape.back(), blockCols);
  wanted[wanted.size() - 2] = divideCeil(shape[shape.size() - 2], blockRows);
  if (scales.dtype() != DType::F32 || ArrayRef(wanted) != scales.shape())
    return wrongTensor(scales, name, "f32 scales " + formatShape(wanted));
  return Error::success();
}

} // namespace moec

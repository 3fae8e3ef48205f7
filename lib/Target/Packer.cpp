//===- Packer.cpp - Weights in the layout a kernel wants ------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Packer.h"
#include "moec/Support/Error.h"

#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace mlir;

namespace moec {

static DType dtypeOf(Type type) {
  if (type.isBF16())
    return DType::BF16;
  if (type.isF16())
    return DType::F16;
  return type.isInteger(64) ? DType::I64 : DType::F32;
}

/// Copies a row-major matrix into the columns [first, first + share) of panels
/// of `pack.cols` columns: `share` columns of the matrix for each panel.
template <typename T>
static void fillPanels(moe::PanelsAttr pack, const T *matrix, int64_t n,
                       int64_t k, int64_t first, int64_t share, T *panels) {
  int64_t cols = pack.getCols(), depth = pack.getDepth();
  int64_t panelSize = pack.getSteps() * cols * depth;
  for (int64_t row = 0; row < n; ++row) {
    T *column =
        panels + row / share * panelSize + (first + row % share) * depth;
    const T *source = matrix + row * k;
    int64_t step = 0;
    for (; (step + 1) * depth <= k; ++step)
      for (int64_t d = 0; d < depth; ++d)
        column[step * cols * depth + d] = source[step * depth + d];
    for (int64_t d = 0; step * depth + d < k; ++d)
      column[step * cols * depth + d] = source[step * depth + d];
  }
}

Expected<Packer> Packer::create(Attribute pack,
                                ArrayRef<moe::WeightOp> weights) {
  Packer packer;
  packer.pack = pack;
  auto panels = dyn_cast<moe::PanelsAttr>(pack);
  auto padded = dyn_cast<moe::PaddedRowsAttr>(pack);
  if (!panels && !padded)
    return inputError("the kernel wants its weights in an unknown layout");
  SmallVector<int64_t> numbers = panels ? SmallVector<int64_t>(panels.getArgs())
                                        : SmallVector<int64_t>{padded.getArg()};
  for (int64_t number : numbers)
    packer.ops.push_back(weights[number]);
  ArrayRef<int64_t> shape = packer.ops[0].getTensorType().getShape();
  bool sliced = isSliced(packer.ops[0]);
  packer.numSlices = sliced ? shape[0] : 1;
  shape = shape.drop_front(sliced ? 1 : 0);
  packer.cols = shape.back();
  packer.rows = shape.size() < 2 ? 1 : shape[0];
  packer.type = dtypeOf(panels ? panels.getType() : padded.getType());
  uint64_t width = bitWidth(packer.type) / 8;
  if (panels) {
    int64_t share = panels.getCols() / numbers.size();
    packer.bytesOfSlice = divideCeil(packer.rows, share) * panels.getSteps() *
                          panels.getCols() * panels.getDepth() * width;
  } else {
    packer.bytesOfSlice = packer.rows * padded.getWidth() * width;
  }
  return packer;
}

Error Packer::open(const Checkpoint &checkpoint) {
  for (moe::WeightOp op : ops) {
    Expected<WeightReader> reader = WeightReader::create(op, checkpoint);
    if (!reader)
      return reader.takeError();
    readers.push_back(std::move(*reader));
  }
  return Error::success();
}

std::string Packer::layout() const {
  if (auto panels = dyn_cast<moe::PanelsAttr>(pack))
    return fmt::format("panels of {} columns, {} steps of {}{}",
                       panels.getCols(), panels.getSteps(), panels.getDepth(),
                       ops.size() > 1 ? ", weights side by side" : "");
  return fmt::format("rows of {}", cast<moe::PaddedRowsAttr>(pack).getWidth());
}

Error Packer::packSlice(int64_t slice, PackJob &job) const {
  job.bytes.assign(bytesOfSlice, 0);
  uint64_t width = bitWidth(type) / 8;
  job.matrix.resize(rows * cols * width);
  for (auto [i, reader] : enumerate(readers)) {
    mlir::moe::WeightOp op = ops[i];
    bool hasNan = false;
    if (Error error =
            reader.readSlice(slice, type, job.matrix, hasNan, job.scratch))
      return error;
    if (hasNan)
      job.nanWeights.push_back(
          readers.size() > 1 || numSlices > 1
              ? fmt::format("{} of expert {}", op.getSymName(), slice)
              : op.getSymName().str());
    if (auto panels = dyn_cast<moe::PanelsAttr>(pack)) {
      int64_t share = panels.getCols() / ops.size();
      auto fill = [&](auto zero) {
        using T = decltype(zero);
        fillPanels(panels, reinterpret_cast<const T *>(job.matrix.data()), rows,
                   cols, i * share, share,
                   reinterpret_cast<T *>(job.bytes.data()));
      };
      width == 2 ? fill(uint16_t(0)) : fill(uint32_t(0));
      continue;
    }
    uint64_t stride = cast<moe::PaddedRowsAttr>(pack).getWidth() * width;
    for (int64_t row = 0; row < rows; ++row)
      std::copy_n(job.matrix.begin() + row * cols * width, cols * width,
                  job.bytes.begin() + row * stride);
  }
  return Error::success();
}

} // namespace moec

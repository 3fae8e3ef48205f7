//===- WeightReader.h - Logical weights out of a checkpoint -----*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads one expert's matrix at a time, whatever the layout and encoding of the
// file tensors it lies in, so that memory stays bounded by an expert.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_TARGET_WEIGHTREADER_H
#define MOEC_TARGET_WEIGHTREADER_H

#include "moec/Dialect/Moe/Moe.h"
#include "moec/Import/Safetensors/Checkpoint.h"
#include "moec/Support/DType.h"

namespace moec {

/// An affine function of a logical index: base + sum strides[d] * index[d].
struct LinearIndex {
  int64_t base = 0;
  llvm::SmallVector<int64_t, 4> strides;

  int64_t at(llvm::ArrayRef<int64_t> index) const;
};

/// Memory that reads of one thread use again and again.
struct ReadScratch {
  std::vector<uint8_t> data, scales;
  std::vector<float> stored, values;
  /// Of fp8 with block scales: the scale of each element.
  std::vector<float> elementScales;
};

/// Whether a weight is read one slice of its first dimension (an expert) at a
/// time: stacks of file tensors, and stacks of matrices.
inline bool isSliced(mlir::moe::WeightOp weight) {
  return weight.isStacked() || weight.getTensorType().getRank() == 3;
}

class WeightReader {
public:
  /// Checks that the file tensors of `weight` exist and that every logical
  /// element lies inside them.
  static llvm::Expected<WeightReader> create(mlir::moe::WeightOp weight,
                                             const Checkpoint &checkpoint);

  llvm::ArrayRef<int64_t> shape() const { return logicalShape; }
  /// Parts that are read one at a time: one for each expert, else one.
  int64_t slices() const;
  /// The shape of a part: a matrix or a row.
  llvm::ArrayRef<int64_t> sliceShape() const;
  /// Elements of a part.
  int64_t sliceSize() const;

  /// Reads slice `slice` row by row as `dtype` (f32, f16, bf16 or i64), which
  /// takes sliceSize() elements of `out`. Notes whether there was a NaN.
  llvm::Error readSlice(int64_t slice, DType dtype,
                        llvm::MutableArrayRef<uint8_t> out, bool &hasNan,
                        ReadScratch &scratch) const;

private:
  enum class Encoding { Plain, Fp8Block, Mxfp4 };

  llvm::Error locate(mlir::moe::WeightOp weight, const Checkpoint &checkpoint);
  llvm::Error checkShapes(mlir::moe::WeightOp weight);
  /// The file tensor of `source` for a slice.
  const CheckpointTensor &tensor(size_t source, int64_t slice) const;
  /// The logical index of the first element of a slice.
  llvm::SmallVector<int64_t, 4> sliceStart(int64_t slice) const;
  /// The elements of file tensor 0 that a slice lies in: first and count.
  std::pair<int64_t, int64_t> region(int64_t slice) const;
  /// Elements that are stored as they are wanted.
  llvm::Error copySlice(int64_t slice, int64_t width,
                        llvm::MutableArrayRef<uint8_t> out,
                        ReadScratch &scratch) const;
  /// All other elements, by way of f32, into `scratch.values`.
  llvm::Error decodeSlice(int64_t slice, ReadScratch &scratch) const;
  llvm::Error decodeMxfp4(int64_t slice, ReadScratch &scratch) const;
  llvm::Error applyBlockScales(int64_t slice, ReadScratch &scratch) const;
  /// Bytes [first, first + count) of the file tensor `source`.
  llvm::Error readBytes(size_t source, int64_t slice, int64_t first,
                        int64_t count, std::vector<uint8_t> &bytes) const;

  const Checkpoint *checkpoint = nullptr;
  std::string name;
  llvm::SmallVector<int64_t, 4> logicalShape;
  /// One file tensor for each slice; read in slices.
  bool stacked = false, sliced = false;
  Encoding encoding = Encoding::Plain;
  int64_t blockRows = 1, blockCols = 1;
  /// Where a logical element lies in the file tensor, in elements, and for
  /// scales in its last two dimensions.
  LinearIndex element, row, col;
  /// For each source, its tensor for each slice (or one for all).
  std::vector<std::vector<CheckpointTensor>> tensors;
};

} // namespace moec

#endif // MOEC_TARGET_WEIGHTREADER_H

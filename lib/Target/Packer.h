//===- Packer.h - Weights in the layout a kernel wants ----------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Obeys #moe.panels and #moe.padded_rows. A blob is a sequence of slices of
// equal size, one for each expert, that are packed independently. Weights with
// an encoding are quantised here.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_TARGET_PACKER_H
#define MOEC_LIB_TARGET_PACKER_H

#include "moec/Support/RelativeError.h"
#include "moec/Target/WeightReader.h"

namespace moec {

/// One slice on its way from the checkpoint to the file, and the memory used
/// for it, which serves the next one too.
struct PackJob {
  std::vector<uint8_t> bytes, matrix;
  ReadScratch scratch;
  std::vector<std::string> nanWeights;
  /// Of each weight, what encoding its part in the slice cost.
  llvm::SmallVector<RelativeError, 2> errors;
};

class Packer {
public:
  /// `weights` are all weights of a layer, in the order of its moe.layer; the
  /// pack says which of them it takes.
  static llvm::Expected<Packer>
  create(mlir::Attribute pack, llvm::ArrayRef<mlir::moe::WeightOp> weights);

  /// Binds the weights to file tensors; needed before packSlice.
  llvm::Error open(const Checkpoint &checkpoint);

  int64_t slices() const { return numSlices; }
  uint64_t sliceBytes() const { return bytesOfSlice; }
  uint64_t bytes() const { return numSlices * bytesOfSlice; }
  /// What numbers are packed as: "bf16", "int4".
  std::string storage() const;
  /// Whether numbers are encoded, so that packing them has an error.
  bool encodes() const;
  llvm::ArrayRef<mlir::moe::WeightOp> weights() const { return ops; }
  /// The layout in words, for the manifest.
  std::string layout() const;

  /// Packs one slice into `job.bytes`; notes the names of weights with a NaN,
  /// and errors.
  llvm::Error packSlice(int64_t slice, PackJob &job) const;

private:
  /// The type in which weights are read.
  DType readType() const;
  mlir::Attribute pack;
  llvm::SmallVector<mlir::moe::WeightOp, 2> ops;
  std::vector<WeightReader> readers;
  DType type = DType::F32;
  int64_t rows = 0, cols = 0, numSlices = 1;
  uint64_t bytesOfSlice = 0;
};

} // namespace moec

#endif // MOEC_LIB_TARGET_PACKER_H

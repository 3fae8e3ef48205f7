//===- Weights.h - the numbers of moe.weight --------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the reference gets the values of weights from: an interface, and the
// implementation that reads a checkpoint by the sources, the index map and the
// encoding of each moe.weight.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_REFERENCE_WEIGHTS_H
#define MOEC_REFERENCE_WEIGHTS_H

#include "moec/Dialect/Moe/Moe.h"
#include "moec/Import/Safetensors/Checkpoint.h"
#include "moec/Reference/Tensor.h"

namespace moec::reference {

/// Gives the values of weights.
class WeightProvider {
public:
  virtual ~WeightProvider();

  /// The whole weight, in its logical shape.
  virtual llvm::Expected<Tensor> get(mlir::moe::WeightOp weight) = 0;

  /// Element `index` of the first dimension (an expert's matrix), so that not
  /// all of them are in memory at once. By default a part of get().
  virtual llvm::Expected<Tensor> getExpert(mlir::moe::WeightOp weight,
                                           int64_t index);
};

/// Reads weights from a checkpoint, which must outlive it. Fails if a tensor is
/// missing, if its type or shape is not what the encoding asks for, and if the
/// index map leaves the tensor.
class CheckpointWeights final : public WeightProvider {
public:
  explicit CheckpointWeights(const Checkpoint &checkpoint)
      : checkpoint(checkpoint) {}

  llvm::Expected<Tensor> get(mlir::moe::WeightOp weight) override;
  llvm::Expected<Tensor> getExpert(mlir::moe::WeightOp weight,
                                   int64_t index) override;

private:
  const Checkpoint &checkpoint;
};

} // namespace moec::reference

#endif // MOEC_REFERENCE_WEIGHTS_H

//===- LayerFunction.h - What a layer's function says -----------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every back end reads off the function of a layer the same way: which
// functions are layers, how many rows a tensor has, what is returned by which
// name.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_CODEGEN_COMMON_LAYERFUNCTION_H
#define MOEC_CODEGEN_COMMON_LAYERFUNCTION_H

#include "moec/Dialect/Moe/Moe.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"

namespace moec {

/// Lowers each function that a moe.layer binds by `lower`, once, then removes
/// these functions, their layers and weights. Reports a layer that nothing
/// binds.
mlir::LogicalResult
lowerLayers(mlir::ModuleOp module,
            llvm::function_ref<mlir::LogicalResult(mlir::func::FuncOp)> lower);

/// Rows of a tensor: `perToken * T + fixed`.
struct TensorRows {
  int64_t perToken = 0, fixed = 0;
};

/// The rows of a tensor of a layer.
TensorRows tensorRows(mlir::Value tensor);

/// The dimension a tensor.dim asks for. Reports one that is not constant or
/// that the tensor lacks.
mlir::FailureOr<int64_t> askedDimension(mlir::tensor::DimOp op);

/// What a layer takes: tensors of its caller, weights, and perhaps the length
/// of a sequence.
struct LayerArguments {
  struct Input {
    mlir::BlockArgument argument;
    llvm::StringRef name;
    /// Of rows that are tokens; 1 for a tensor of rank 1.
    int64_t cols;

    mlir::Type element() const {
      return llvm::cast<mlir::RankedTensorType>(argument.getType())
          .getElementType();
    }
  };
  llvm::SmallVector<Input> inputs;
  llvm::DenseMap<mlir::Value, int64_t> weightNumbers;
  mlir::BlockArgument sequence;
};

/// The arguments of a layer by what they are. Reports inputs that are no rows
/// of f32 or integers for each token, and an index that is no sequence.
mlir::FailureOr<LayerArguments> layerArguments(mlir::func::FuncOp layer);

/// The values that a layer returns and their positions. Reports results without
/// a name, values that are no result of an operation of their own, and control
/// flow, which `backEnd` does not lower.
mlir::FailureOr<llvm::MapVector<mlir::Value, int64_t>>
layerOutputs(mlir::func::FuncOp layer, llvm::StringRef backEnd);

/// The name of the result at `position`, as layerOutputs() has checked it.
llvm::StringRef outputName(mlir::func::FuncOp layer, int64_t position);

/// Lets a router that makes the routing make nothing else that the layer reads,
/// such as the weights of shared experts: where the caller supplies the routing
/// it does not run. What else it made comes from a copy that always does.
void splitRouters(mlir::func::FuncOp layer,
                  const llvm::MapVector<mlir::Value, int64_t> &outputs);

/// Whether a result of `op` is an output that a caller can supply itself.
bool makesRouting(mlir::func::FuncOp layer,
                  const llvm::MapVector<mlir::Value, int64_t> &outputs,
                  mlir::Operation &op);

} // namespace moec

#endif // MOEC_CODEGEN_COMMON_LAYERFUNCTION_H

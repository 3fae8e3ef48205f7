//===- LayerLowering.h - From a layer function to launches ------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lowers the body of one layer function, operation by operation: tensors become
// buffers in device memory, operations become device functions and launches.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_LAYERLOWERING_H
#define MOEC_LIB_CODEGEN_NVPTX_LAYERLOWERING_H

#include "DeviceKernel.h"
#include "moec/Codegen/Common/LayerFunction.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace moec::nvptx {

using Count = TensorRows;

/// A matrix in device memory. Rows of the workspace have room up to `stride`
/// elements, zeros where a product may read them.
struct Buffer {
  moe::ArgumentAttr memory;
  Count rows;
  int64_t cols = 0, stride = 0;
  Type element;
};

/// Blocks of a launch: ceil(rows / perBlock) by `columns`.
struct Grid {
  Count rows;
  int64_t perBlock = 1, columns = 1;
  /// At most so many for each multiprocessor, which share the work; 0 is all.
  int64_t resident = 0;
};

class LayerLowering {
public:
  explicit LayerLowering(func::FuncOp kernel) : kernel(kernel) {}

  /// Emits the device functions and the moe.plan beside `kernel`.
  LogicalResult run();

  //===--- Device functions -----------------------------------------------===//

  /// Begins a device function of this layer.
  DeviceKernel begin(Location loc, StringRef suffix, int64_t threads);
  /// Ends it and launches it on `grid`.
  void launch(DeviceKernel &k, Grid grid);
  /// The memory of a buffer in a device function.
  Memory use(DeviceKernel &k, const Buffer &buffer);
  Memory use(DeviceKernel &k, Value tensor) { return use(k, get(tensor)); }
  /// `count` in a device function, as i32.
  Value count(DeviceKernel &k, Count count);
  /// A number the layer computes from the call, computed in the function.
  /// Fails with a message on `user`.
  FailureOr<Value> scalar(DeviceKernel &k, Value value, Operation *user);

  //===--- Buffers --------------------------------------------------------===//

  Buffer get(Value tensor) const { return buffers.lookup(tensor); }
  void set(Value tensor, Buffer buffer) { buffers[tensor] = buffer; }
  /// Memory in the workspace, its rows padded for products.
  Buffer allocate(Count rows, int64_t cols, Type element);
  /// Memory in the workspace without padding.
  Buffer allocateDense(Count rows, int64_t cols, Type element);
  /// Makes the buffer of a result; the caller's memory where that will do.
  Buffer allocateResult(Value tensor);
  /// The number of a function argument among the weights, if it is one.
  std::optional<int64_t> weightNumber(Value tensor) const;
  /// Weights packed as `pack` says, `[rows, stride]`.
  Buffer weight(Attribute pack, int64_t rows, int64_t cols, int64_t stride,
                Type element);
  /// The tensor map of a packed weight, for boxes of `boxRows` rows.
  moe::ArgumentAttr tensorMap(const Buffer &packed, int64_t boxRows);
  /// A weight as rows padded for products: biases, tables, gates. Fails with a
  /// message on `user` if `tensor` is not a weight.
  FailureOr<Buffer> weightRows(Value tensor, Type element, Operation *user);

  /// The table of tiles of `tokens` sorted rows (TileTable.h), made when the
  /// slots were grouped; null for other offsets.
  const Buffer *tileTable(Value offsets, int64_t tokens) const;
  void setTileTable(Value offsets, int64_t tokens, Buffer table);

private:
  // LayerInterface.cpp
  LogicalResult bindArguments();
  LogicalResult bindInput(BlockArgument argument, StringRef name,
                          int64_t position);
  LogicalResult finish(func::ReturnOp op);
  Buffer outputMemory(int64_t position, RankedTensorType type);
  void copyOut(Buffer source, int64_t position);
  void copyIn(int64_t position, Buffer destination);

  LogicalResult lower(Operation &op);
  LogicalResult lowerUnlessGiven(Operation &op);
  moe::ArgumentAttr argument(moe::ArgumentKind kind, int64_t number = 0);
  void emitPlan();

  func::FuncOp kernel;
  llvm::DenseMap<Value, Buffer> buffers;
  llvm::DenseMap<Value, int64_t> weightNumbers;
  llvm::DenseMap<std::pair<Value, int64_t>, Buffer> tileTables;
  /// Returned values and their position among the outputs.
  llvm::MapVector<Value, int64_t> outputs;
  /// Values whose buffer is the caller's memory.
  llvm::DenseSet<Value> direct;
  moe::When when = moe::When::Always;
  SmallVector<Attribute> packs, deviceBuffers, maps, launches;
};

// One function for each operation; in the file named after its subject.
LogicalResult lowerLinear(LayerLowering &l, moe::LinearOp op);
LogicalResult lowerGroupedMatmul(LayerLowering &l, moe::GroupedMatmulOp op);
LogicalResult lowerRouter(LayerLowering &l, moe::RouterOp op);
LogicalResult lowerGroup(LayerLowering &l, moe::GroupOp op);
LogicalResult lowerCapacity(LayerLowering &l, moe::CapacityOp op);
LogicalResult lowerDispatch(LayerLowering &l, moe::DispatchOp op);
LogicalResult lowerCombine(LayerLowering &l, moe::CombineOp op);
LogicalResult lowerIdentityExperts(LayerLowering &l, moe::IdentityExpertsOp op);
LogicalResult lowerGeneric(LayerLowering &l, linalg::GenericOp op);
LogicalResult lowerFill(LayerLowering &l, linalg::FillOp op);
/// Arithmetic on whole tensors.
LogicalResult lowerElementwise(LayerLowering &l, Operation &op);

/// Adds the weighted rows of each token in the order of its choices: `rows` has
/// one for each slot. `onto` may be null.
LogicalResult emitCombine(LayerLowering &l, Operation *op, Buffer rows,
                          Value weights, Value slots, Value onto, Value result);

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_LAYERLOWERING_H

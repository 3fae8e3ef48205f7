//===- KernelLowering.h - From a layer function to a kernel -----*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lowers the body of one layer function, operation by operation: tensors become
// buffers in the workspace or the caller's memory, operations become stages.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_CPU_KERNELLOWERING_H
#define MOEC_LIB_CODEGEN_CPU_KERNELLOWERING_H

#include "KernelEmitter.h"
#include "moec/Codegen/Common/LayerFunction.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace moec::cpu {

class KernelLowering {
public:
  KernelLowering(func::FuncOp kernel, const Isa &isa)
      : e(kernel, isa), kernel(kernel) {}

  /// Emits the kernel and its workspace function beside `kernel`.
  LogicalResult run();

  KernelEmitter e;

  /// The buffer of a tensor lowered before.
  Buffer get(Value tensor) { return buffers.lookup(tensor); }
  void set(Value tensor, Buffer buffer) { buffers[tensor] = buffer; }
  /// Makes the buffer of an operation's result: the caller's memory when the
  /// result is returned and nothing reads it in whole vectors, else workspace.
  Buffer allocateResult(Value tensor);
  /// The rows of a tensor whose first dimension is not static.
  RowCount rowCount(Value tensor);
  /// A number (or index) computed by the function.
  Value getScalar(Value value) { return scalars.lookup(value); }

  /// The number among the weights of a function argument, or of one that is
  /// encoded.
  std::optional<int64_t> weightNumber(Value tensor);
  /// The number of `pack` among the kernel's packed weights.
  int64_t packNumber(Attribute pack);
  /// The memory of a packed weight, described by `pack`.
  Value weightMemory(Attribute pack, MemRefType type);
  /// A bias or table in row-major order with padded rows: `memref<R x W x T>`.
  Buffer paddedWeight(Value tensor, Type element);
  /// A name for functions that belong to this kernel.
  std::string uniqueName(StringRef suffix);

private:
  LogicalResult bindArguments();
  void bindInput(const LayerArguments::Input &input, int64_t position);
  LogicalResult lower(Operation &op);
  LogicalResult lowerUnlessGiven(Operation &op);
  LogicalResult finish(func::ReturnOp op);
  /// Copies `source` to the caller's memory, whatever element type that has.
  void copyOut(Buffer source, int64_t position, bool anyType);
  /// Copies what the caller put into an output's memory to `destination`.
  void copyIn(int64_t position, Buffer destination);
  /// The caller's memory for output `position`.
  Buffer outputMemory(int64_t position, RankedTensorType type);

  func::FuncOp kernel;
  llvm::DenseMap<Value, Buffer> buffers;
  llvm::DenseMap<Value, Value> scalars;
  llvm::DenseMap<Value, int64_t> weightNumbers;
  /// Returned values and their position among the outputs.
  llvm::MapVector<Value, int64_t> outputs;
  /// Buffers that are the caller's memory already.
  llvm::DenseSet<Value> direct;
  SmallVector<Attribute> packs;
  int64_t names = 0;
};

// One function for each operation; in the file named after its subject.
LogicalResult lowerLinear(KernelLowering &k, moe::LinearOp op);
LogicalResult lowerGroupedMatmul(KernelLowering &k, moe::GroupedMatmulOp op);
LogicalResult lowerRouter(KernelLowering &k, moe::RouterOp op);
LogicalResult lowerGroup(KernelLowering &k, moe::GroupOp op);
LogicalResult lowerCapacity(KernelLowering &k, moe::CapacityOp op);
LogicalResult lowerDispatch(KernelLowering &k, moe::DispatchOp op);
LogicalResult lowerEncode(KernelLowering &k, moe::EncodeOp op);
LogicalResult lowerCombine(KernelLowering &k, moe::CombineOp op);
LogicalResult lowerIdentityExperts(KernelLowering &k,
                                   moe::IdentityExpertsOp op);
LogicalResult lowerGeneric(KernelLowering &k, linalg::GenericOp op);
LogicalResult lowerFill(KernelLowering &k, linalg::FillOp op);
/// Arithmetic on whole tensors.
LogicalResult lowerElementwise(KernelLowering &k, Operation &op);

} // namespace moec::cpu

#endif // MOEC_LIB_CODEGEN_CPU_KERNELLOWERING_H

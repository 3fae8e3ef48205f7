//===- RowProgram.h - The region of a router in registers -------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lowers the small operations of a router's region for one token, by one warp.
// A row lives in registers: element i in lane i % 32, register i / 32. Numbers
// are the same in all lanes. Nothing depends on the order of threads.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_ROWPROGRAM_H
#define MOEC_LIB_CODEGEN_NVPTX_ROWPROGRAM_H

#include "DeviceKernel.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace moec::nvptx {

/// A row in the registers of a warp. What lies past `cols` is undefined.
struct Row {
  SmallVector<Value> registers;
  int64_t cols = 0;
};

class RowProgram {
public:
  explicit RowProgram(DeviceKernel &k) : k(k) {}

  void bind(Value value, Row row) { rows[value] = std::move(row); }
  void bindScalar(Value value, Value scalar) { scalars[value] = scalar; }
  /// The table a region argument stands for.
  void bindTable(Value value, Memory memory) { tables[value] = memory; }
  Row getRow(Value value) { return rows.lookup(value); }
  Value getScalar(Value value) { return scalars.lookup(value); }

  /// Reads `cols` elements of a row of memory; 0 past the end.
  Row load(const Memory &memory, Value row, int64_t cols);
  /// Writes a yielded value to a row of memory.
  void store(Value value, const Memory &memory, Value row);

  /// Emits one operation of the region.
  LogicalResult emit(Operation &op);

  /// An undefined row, and the index of this lane's element in a register.
  Row makeRow(int64_t cols, Type element);
  Value indexIn(int64_t reg);

private:
  // RowProgram.cpp
  LogicalResult emitElementwise(Operation &op);
  LogicalResult emitSoftmax(moe::SoftmaxOp op);
  LogicalResult emitReduce(moe::ReduceOp op);
  LogicalResult emitNormalize(moe::NormalizeOp op);
  LogicalResult emitSplat(tensor::SplatOp op);
  LogicalResult emitGenerate(tensor::GenerateOp op);
  LogicalResult emitConcat(tensor::ConcatOp op);
  LogicalResult emitExtractSlice(tensor::ExtractSliceOp op);
  LogicalResult emitInsertSlice(tensor::InsertSliceOp op);
  LogicalResult emitExtract(tensor::ExtractOp op);
  // Selection.cpp
  LogicalResult emitTopK(moe::TopKOp op);
  LogicalResult emitTake(moe::TakeOp op);
  LogicalResult emitExclude(moe::ExcludeOp op);
  LogicalResult emitGroupLimit(moe::GroupLimitOp op);
  LogicalResult emitLookup(moe::LookupOp op);

  /// Whether this lane's element of a register counts; null: it does.
  Value insideOf(int64_t cols, int64_t reg);
  /// Folds the row into one number.
  Value reduce(const Row &row, Value neutral,
               function_ref<Value(Value, Value)> combine);
  Value sum(const Row &row);
  Row divide(const Row &row, Value divisor);
  /// The element at `index`, which every lane asks for by itself; undefined
  /// where it is outside of the row.
  Value elementAt(const Row &row, Value index);
  /// Puts `part` into `row` from column `at` on.
  void insert(Row &row, const Row &part, int64_t at);
  /// Calls `body` for every id of a row, known to all lanes, carrying
  /// `carried`.
  SmallVector<Value>
  forIds(const Row &ids, ValueRange carried,
         function_ref<SmallVector<Value>(Value id, ValueRange carried)> body);

  /// Monotonic integers of scores: NaN below everything, -0 like +0.
  Row orderKeys(const Row &scores);
  Value scoreOfKey(Value key);
  /// The indices of the `count` largest keys, in falling order.
  Row selectLargest(const Row &keys, int64_t count);

  DeviceKernel &k;
  llvm::DenseMap<Value, Row> rows;
  llvm::DenseMap<Value, Value> scalars;
  llvm::DenseMap<Value, Memory> tables;
};

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_ROWPROGRAM_H

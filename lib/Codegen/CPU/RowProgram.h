//===- RowProgram.h - The region of a router as code ------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lowers the small operations of a router's region for one token. A row value
// lives in a piece of scratch memory of the thread, small enough for the first
// cache; an operation is a loop over its vectors.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_CPU_ROWPROGRAM_H
#define MOEC_LIB_CODEGEN_CPU_ROWPROGRAM_H

#include "KernelLowering.h"

namespace moec::cpu {

/// One row of a buffer. Booleans are kept as i32.
struct Row {
  Buffer buffer;
  Value number;
};

class RowProgram {
public:
  explicit RowProgram(KernelEmitter &e) : e(e) {}

  /// Gives a value of the region the memory (or, for a number, the value) it
  /// has from outside.
  void bind(Value value, Row row) { rows[value] = row; }
  void bindScalar(Value value, Value scalar) { scalars[value] = scalar; }
  bool isBound(Value value) {
    return rows.contains(value) || scalars.contains(value);
  }
  Row getRow(Value value) { return rows.lookup(value); }
  Value getScalar(Value value) { return scalars.lookup(value); }

  /// Emits one operation of the region.
  LogicalResult emit(Operation &op);
  /// Copies a yielded value into a row of a result.
  void store(Value value, Row destination);

private:
  // RowOps.cpp
  LogicalResult emitElementwise(Operation &op);
  LogicalResult emitConstant(arith::ConstantOp op);
  LogicalResult emitSplat(tensor::SplatOp op);
  LogicalResult emitGenerate(tensor::GenerateOp op);
  LogicalResult emitConcat(tensor::ConcatOp op);
  LogicalResult emitExtractSlice(tensor::ExtractSliceOp op);
  LogicalResult emitInsertSlice(tensor::InsertSliceOp op);
  LogicalResult emitExtract(tensor::ExtractOp op);
  // RowReductions.cpp
  LogicalResult emitSoftmax(moe::SoftmaxOp op);
  LogicalResult emitReduce(moe::ReduceOp op);
  LogicalResult emitNormalize(moe::NormalizeOp op);
  // Selection.cpp
  LogicalResult emitTopK(moe::TopKOp op);
  LogicalResult emitTake(moe::TakeOp op);
  LogicalResult emitExclude(moe::ExcludeOp op);
  LogicalResult emitGroupLimit(moe::GroupLimitOp op);
  LogicalResult emitLookup(moe::LookupOp op);

  /// Scratch memory for the value of a row type.
  Row scratch(RankedTensorType type);
  Row scratch(int64_t cols, Type element);
  /// Scratch memory bound to `value`.
  Row define(Value value);

  Value loadVector(Row row, Value col);
  void storeVector(Value value, Row row, Value col);
  Value load(Row row, Value col);
  void storeScalar(Value value, Row row, Value col);
  void copy(Row from, int64_t fromCol, int64_t count, Row to, int64_t toCol);
  /// Combines the vectors of a row into one and that into a number; lanes that
  /// do not count hold `neutral`.
  Value reduce(Row row, Value neutral,
               function_ref<Value(Value, Value)> combine,
               vector::CombiningKind kind,
               function_ref<Value(Value)> transform = nullptr);

  /// Calls `body` for every id of a row inside [0, count), with its place.
  void forIds(Row ids, int64_t count,
              function_ref<void(Value place, Value id)> body);

  /// Monotonic integers of scores: NaN below everything, -0 like +0.
  Row orderKeys(Row scores);
  Value scoreOfKey(Value key);
  /// Writes the indices of the `count` largest keys to `ids`; consumes the
  /// keys.
  void selectLargest(Row keys, int64_t count, Row ids);

  KernelEmitter &e;
  llvm::DenseMap<Value, Row> rows;
  llvm::DenseMap<Value, Value> scalars;
};

} // namespace moec::cpu

#endif // MOEC_LIB_CODEGEN_CPU_ROWPROGRAM_H

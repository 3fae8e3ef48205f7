//===- KernelEmitter.h - Emitting the code of one kernel --------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the lowering of every operation needs: the builder, the call's
// arguments, buffers in the workspace, work split among threads, loops.
//
// A kernel is one function that every thread of a team runs. It is a sequence
// of stages; a stage splits its work among the threads, and a barrier stands
// between two stages unless both work on the same rows by the same split.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_CPU_KERNELEMITTER_H
#define MOEC_LIB_CODEGEN_CPU_KERNELEMITTER_H

#include "Isa.h"
#include "moec/Dialect/Moe/Moe.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

using namespace mlir;

/// A matrix the kernel works on: `memref<? x stride x T>` of which `cols`
/// columns count. Rows begin on 64-byte boundaries and what lies between
/// `cols` and the stride may be read; buffers that products read hold zeros
/// there. Flat arrays have one row.
struct Buffer {
  Value memref;
  Value rows;
  int64_t cols = 0;

  Type elementType() const {
    return cast<MemRefType>(memref.getType()).getElementType();
  }
};

/// How many rows a buffer has: `perToken * T`, `perThread * threads` and
/// `fixed` ones.
struct RowCount {
  int64_t perToken = 0, perThread = 0, fixed = 0;
};

/// Who works on what in a stage. Stages over the same rows need no barrier
/// between them: every thread reads what it wrote itself.
enum class Split { TokenRows, Other };

class KernelEmitter {
public:
  KernelEmitter(func::FuncOp kernel, const Isa &isa);

  ImplicitLocOpBuilder b;
  const Isa isa;
  const int64_t lanes;

  // The call.
  Value call, thread, threads, tokens, sequence, givenRouting;
  /// The lowered function and the module-level functions it calls.
  func::FuncOp entry;
  std::string name;
  /// What is being lowered, in a word.
  std::string operation;

  //===--- Values ---------------------------------------------------------===//

  Value index(int64_t value);
  Value f32(double value);
  Value i32(int64_t value);
  /// `value` in every lane.
  Value splat(Value value, int64_t width);
  VectorType vector(Type element, int64_t width);
  VectorType f32Vector() { return vector(b.getF32Type(), lanes); }
  VectorType i32Vector() { return vector(b.getI32Type(), lanes); }
  /// [0, 1, 2, ...] as i32.
  Value laneNumbers();
  /// `value`, a vector or i64, as the result of instructions that LLVM does not
  /// look into: none.
  Value hidden(Value value);
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, x, y); }
  Value div(Value x, Value y) { return arith::DivUIOp::create(b, x, y); }
  Value less(Value x, Value y);
  Value toIndex(Value integer);

  //===--- Control flow ---------------------------------------------------===//

  void loop(Value from, Value to, Value step, function_ref<void(Value)> body);
  void loop(Value from, Value to, function_ref<void(Value)> body) {
    loop(from, to, index(1), body);
  }
  SmallVector<Value>
  loopCarried(Value from, Value to, Value step, ValueRange inits,
              function_ref<SmallVector<Value>(Value, ValueRange)> body);
  /// Runs `body` as long as `condition` holds of the values carried.
  SmallVector<Value>
  loopWhile(ValueRange inits, function_ref<Value(ValueRange)> condition,
            function_ref<SmallVector<Value>(ValueRange)> body);
  void when(Value condition, function_ref<void()> body);
  /// The lanes that count in the last vector of `cols` columns; null if all do.
  Value tailMask(int64_t cols);
  /// Visits [0, cols) in vectors: whole ones, and at the end one of which only
  /// the lanes set in `mask` count (`mask` is null for whole vectors).
  void forVectors(int64_t cols, function_ref<void(Value col, Value mask)> body);

  //===--- Stages ---------------------------------------------------------===//

  /// Begins a stage, after a barrier where one is needed. It is called `name`
  /// or, if that is empty, what `operation` is.
  void beginStage(Split split, StringRef name = "");
  /// A stage, or several, that only run when `condition` holds. It is the same
  /// for all threads.
  void stagesWhen(Value condition, function_ref<void()> body);
  /// What is done from one barrier to the next in a call that chooses its
  /// routing: the names of stages, with ", " between several.
  ArrayAttr stageNames();
  /// This thread's part of [0, count).
  std::pair<Value, Value> share(Value count);
  /// This thread's parts of [0, count): a run of most of what is its due, and
  /// then short runs of what is left of everybody's, for which threads come one
  /// by one: nobody waits for long for one that is slower than others. Where
  /// short runs would be shorter than `leastRun`, there are none.
  void forRuns(Value count, int64_t leastRun,
               function_ref<void(Value from, Value to)> body);
  /// A stage whose threads each take a run of token rows.
  void forTokenRows(function_ref<void(Value row)> body);
  /// A stage that one thread does alone.
  void byOneThread(function_ref<void()> body);

  //===--- Memory ---------------------------------------------------------===//

  /// A matrix in the workspace. Its stride leaves room for whole vectors.
  Buffer allocate(RowCount rows, int64_t cols, Type element);
  /// Rows of `cols` elements side by side, without room between them.
  Buffer allocateDense(RowCount rows, int64_t cols, Type element);
  /// Stores zeros to columns [from, to) of a row, in whole vectors: products
  /// read rows a little further than their columns.
  void clearColumns(Value memref, Value row, int64_t from, int64_t to);
  /// One number of `type` made of the elements of a matrix from [row, col] on.
  Value loadAs(Value memref, Value row, Value col, Type type);
  void storeAs(Value number, Value memref, Value row, Value col);
  /// The memory `pointer` points to, as a memref of `type`; dynamic sizes and
  /// strides come from `sizes` and `strides`, outermost first.
  Value viewPointer(Value pointer, MemRefType type, ValueRange sizes = {},
                    ValueRange strides = {});
  /// The field at `offset` of the structure `base` points to.
  Value loadField(Value base, int64_t offset, Type type);
  /// The `i`-th element (of `bytes` bytes) of the array `base` points to.
  Value elementPointer(Value base, int64_t i, int64_t bytes);
  Value count(RowCount rows);
  /// The address of the first element of `memref`.
  Value address(Value memref);
  /// Asks for the cache line at `address` to come into the second cache.
  void prefetch(Value address);

  /// Emits at the kernel's entry, so that the result can be used anywhere.
  template <typename Body>
  auto atEntry(Body body) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(entryMark);
    auto result = body();
    entryMark = &*std::prev(b.getInsertionPoint());
    return result;
  }

  /// The function that says how much workspace the kernel needs.
  void emitWorkspaceFunction();

private:
  struct Allocation {
    RowCount rows;
    int64_t rowBytes;
  };
  Buffer allocate(RowCount rows, int64_t cols, int64_t stride, Type element);
  void barrier();
  /// A number in the workspace that is 0 before the first barrier.
  Buffer allocateCounter();
  /// Bytes of an allocation, rounded up to whole cache lines.
  Value allocationBytes(const Allocation &allocation, Value tokenCount,
                        Value threadCount);

  Value workspace, workspaceEnd;
  /// The last operation of the entry.
  Operation *entryMark = nullptr;
  SmallVector<Allocation> allocations;
  /// Work since the last barrier, if any.
  std::optional<Split> pending;
  /// The stages between two barriers, for all of them; the last are those
  /// before the next barrier.
  SmallVector<SmallVector<std::string, 1>> stages{{}};
};

/// The stride of a row of `cols` elements: room for whole panels of columns,
/// and not a multiple of 4 KiB, where eight rows would fall into one cache set.
int64_t paddedStride(int64_t cols, int64_t elementBytes);

int64_t elementBytes(Type element);

/// Bytes in a cache line.
inline constexpr int64_t lineBytes = 64;

} // namespace moec::cpu

#endif // MOEC_LIB_CODEGEN_CPU_KERNELEMITTER_H

//===- DeviceKernel.h - Emitting one device function ------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The vocabulary every device function is written in: 32-bit numbers, loops,
// memory, the lanes of a warp, the warps of a block. Functions consist of llvm,
// nvvm, arith, math and scf operations; addresses are pointers, because memref
// descriptors would cost seven parameters each.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_DEVICEKERNEL_H
#define MOEC_LIB_CODEGEN_NVPTX_DEVICEKERNEL_H

#include "moec/Dialect/Moe/Moe.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/MapVector.h"

namespace moec::nvptx {

using namespace mlir;

inline constexpr int64_t warpSize = 32;
/// The address spaces of NVPTX.
inline constexpr unsigned globalSpace = 1, sharedSpace = 3;

int64_t elementBytes(Type element);
/// 16-bit elements in a word of 32 bits.
inline constexpr int64_t wordElements = 2;

/// A value, or a number that becomes a constant of the type of what it meets.
struct Number {
  Number(Value value) : value(value) {}
  template <typename T>
    requires std::is_integral_v<T>
  Number(T number) : number(number) {}

  Value value;
  int64_t number = 0;
};

/// How hidden rows lie in the caller's memory. To those who read and write them
/// they are f32.
struct CallerRows {
  /// What they lie as, as calls number types: MOEC_DTYPE_F32, _F16 or _BF16.
  Value type;
  /// That type, once it is known (DeviceKernel::forTypes).
  Type known;
  /// Columns of a row. Those after them are read as zeros, not from memory.
  int64_t cols = 0;
};

/// A matrix in global or shared memory.
struct Memory {
  Value pointer;
  Type element;
  /// Elements from one row to the next: an i32, or an i64 for global memory.
  Value stride;
  /// Whether each 64 bytes of a row, 4 x 4 words of two elements, lie
  /// transposed. Columns are those of the row all the same.
  bool transposed = false;
  /// Set for the caller's hidden rows.
  std::optional<CallerRows> caller = {};

  /// The type that elements lie as.
  Type stored() const { return caller ? caller->known : element; }
};

class DeviceKernel {
public:
  /// A function of `threads` threads a block at the end of `module`.
  DeviceKernel(ModuleOp module, Location loc, const Twine &name,
               int64_t threads);

  ImplicitLocOpBuilder b;
  const int64_t threads;

  /// Lets threads have the registers with which `blocks` blocks live on a
  /// multiprocessor. Else the assembler may spill some for one more.
  void aimForBlocks(int64_t blocks);
  /// Ends the function.
  LLVM::LLVMFuncOp finish();

  //===--- Arguments ------------------------------------------------------===//

  /// The parameter for an argument of the launch; the same for the same one.
  Value parameter(moe::ArgumentAttr argument);
  Value tokens();
  /// The arguments of a launch, in the order of the parameters.
  SmallVector<moe::ArgumentAttr> arguments() const;

  //===--- Numbers --------------------------------------------------------===//

  Value i32(int64_t value);
  Value i64(int64_t value);
  Value f32(double value);
  Value truth(bool value);
  Value add(Number x, Number y);
  Value sub(Number x, Number y);
  Value mul(Number x, Number y);
  /// Unsigned division.
  Value div(Number x, Number y);
  Value rem(Number x, Number y);
  Value bitAnd(Number x, Number y);
  Value bitOr(Number x, Number y);
  Value bitXor(Number x, Number y);
  Value shiftLeft(Number x, Number y);
  Value shiftRight(Number x, Number y);
  Value min(Number x, Number y);
  Value ceilDiv(Value x, int64_t y);
  Value compare(arith::CmpIPredicate predicate, Number x, Number y);
  Value less(Number x, Number y);
  Value equal(Number x, Number y);
  Value both(Value x, Value y);
  Value select(Value condition, Number x, Number y);
  Value widen(Value x);
  Value toI32(Value index);
  /// The same i32, but what is computed from it is computed where it stands:
  /// registers before a loop are worth more than the instructions in it.
  Value anew(Value x);

  //===--- Control flow ---------------------------------------------------===//

  void loop(Number from, Number to, Number step,
            function_ref<void(Value)> body);
  SmallVector<Value>
  loopCarried(Number from, Number to, Number step, ValueRange inits,
              function_ref<SmallVector<Value>(Value, ValueRange)> body);
  /// The same, but the optimizer leaves it a loop.
  SmallVector<Value>
  rolledLoop(Number from, Number to, Number step, ValueRange inits,
             function_ref<SmallVector<Value>(Value, ValueRange)> body);
  void when(Value condition, function_ref<void()> body);
  void either(Value condition, function_ref<void()> body,
              function_ref<void()> otherwise);
  /// What `body` returns where `condition` holds, else what `otherwise` does;
  /// of `types`.
  SmallVector<Value> choose(Value condition, TypeRange types,
                            function_ref<SmallVector<Value>()> body,
                            function_ref<SmallVector<Value>()> otherwise);
  /// The result of `body` where `condition` holds, else `otherwise`.
  Value valueWhen(Value condition, Value otherwise, function_ref<Value()> body);
  /// The same for several; without the condition they are anything.
  SmallVector<Value> valuesWhen(Value condition, TypeRange types,
                                function_ref<SmallVector<Value>()> body);
  /// Emits `body` for each type that the caller's rows may have, once for other
  /// memory. What it returns is of `types`.
  SmallVector<Value>
  forTypes(const Memory &memory, TypeRange types,
           function_ref<SmallVector<Value>(const Memory &)> body);
  void forTypes(const Memory &memory, function_ref<void(const Memory &)> body);

  //===--- Threads --------------------------------------------------------===//

  Value thread();
  Value block();
  Value blockColumn();
  /// Blocks of the grid.
  Value blocks();
  Value lane();
  /// The number of the warp in its block, the same register for the warp.
  Value warp();
  /// What follows computes that number again, and leaves its register to what
  /// went before. In code that all threads come to.
  void renewWarp();
  void syncBlock();
  /// For all threads of a cluster of `blocks` blocks.
  void syncCluster(int64_t blocks);
  /// For `count` threads of the block that name the same barrier, 1 to 15.
  void syncThreads(Value barrier, int64_t count);
  void syncWarp();
  /// What this thread wrote to global memory before is seen by every thread
  /// that sees what it writes after.
  void fence();
  /// Waits until the launch before this one has ended and shows its writes.
  void waitForLaunchBefore();
  /// Lets the launch after this one begin, once all blocks have said so or
  /// ended.
  void letNextBegin();
  /// Adds one to a number in global memory, or sets it to zero where it is
  /// `most`; returns what it was. One step for all blocks.
  Value countUpTo(Value pointer, Value most);
  /// Adds to a number in shared memory, in one step for all of the block.
  void addInBlock(Value pointer, Value value);
  /// `value` of lane `from` (i32 or f32).
  Value shuffle(Value value, Number from);
  /// `value` of the lane whose number differs in `mask`.
  Value shuffleXor(Value value, int64_t mask);
  /// `value` of the lane `distance` before; its own where there is none.
  Value shuffleUp(Value value, int64_t distance);
  /// A bit for every lane in which `condition` holds.
  Value ballot(Value condition);
  Value reduceMax(Value value);
  Value reduceMin(Value value);
  /// Folds the lanes' values by `combine` in a fixed order, for all lanes.
  Value butterfly(Value value, function_ref<Value(Value, Value)> combine);

  //===--- Memory ---------------------------------------------------------===//

  /// Shared memory of the block.
  Memory allocateShared(Type element, int64_t rows, int64_t cols,
                        int64_t alignment = 16);
  int64_t sharedBytes() const { return sharedMost; }
  /// Gives all of it back, to code that no thread reaches with any of it in
  /// use.
  void reuseShared() { sharedEnd = 0; }
  Value address(const Memory &memory, Number row, Number col);
  Value load(const Memory &memory, Number row, Number col);
  void store(Value value, const Memory &memory, Number row, Number col);
  /// `count` elements of a row from `col` on, which is a multiple of `count`.
  SmallVector<Value> loadRun(const Memory &memory, Number row, Number col,
                             int64_t count);
  /// The same as they lie, which has to be known.
  SmallVector<Value> loadStored(const Memory &memory, Number row, Number col,
                                int64_t count);
  void storeRun(ValueRange values, const Memory &memory, Number row,
                Number col);
  /// As f32, from any float type, and back.
  Value loadF32(const Memory &memory, Number row, Number col);
  void storeF32(Value value, const Memory &memory, Number row, Number col);
  SmallVector<Value> loadRunF32(const Memory &memory, Number row, Number col,
                                int64_t count);
  void storeRunF32(ValueRange values, const Memory &memory, Number row,
                   Number col);
  Value toF32(Value value);
  Value fromF32(Value value, Type element);
  /// Two f32 numbers as 16-bit ones in an i32, the first in the low half.
  Value pack(Value low, Value high, Type element);
  /// Two 16-bit numbers in an i32.
  Value pack(Value low, Value high);

private:
  Value number(Number x, Type type);
  SmallVector<Value> loadCallers(const Memory &memory, Number row, Number col,
                                 int64_t count);
  void storeCallers(ValueRange values, const Memory &memory, Number row,
                    Number col);
  template <typename Op>
  Value binary(Number x, Number y);
  Value transposedColumn(Number col);
  void forPieces(const Memory &memory, Number row, Number col, int64_t count,
                 function_ref<void(Value, int64_t, VectorType)> body);
  Value shuffleOp(Value value, Value offset, int64_t clamp,
                  NVVM::ShflKind kind);
  Value sharedBase();

  LLVM::LLVMFuncOp function;
  llvm::MapVector<moe::ArgumentAttr, Value> parameters;
  Value smem, laneNumber, warpNumber, threadNumber;
  int64_t sharedEnd = 0, sharedMost = 0;
};

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_DEVICEKERNEL_H

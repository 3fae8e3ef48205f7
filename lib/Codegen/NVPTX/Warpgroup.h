//===- Warpgroup.h - Barriers, boxes and products of sm_90a -----*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a tile on warpgroups is written with, besides the swizzle and the
// copies of TensorCore.h: barriers in shared memory, boxes of weights copied by
// TMA, products of operands that lie in shared memory, the registers of a
// warpgroup.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_WARPGROUP_H
#define MOEC_LIB_CODEGEN_NVPTX_WARPGROUP_H

#include "DeviceKernel.h"

namespace moec::nvptx {

/// Four warps, which multiply together.
inline constexpr int64_t warpgroupSize = 128, warpsInGroup = 4;

/// Barriers of 8 bytes in shared memory (mbarrier). A phase ends when as many
/// threads have arrived as `initialize` said and all announced bytes have come.
struct SharedBarrier {
  static constexpr int64_t bytes = 8;

  static void initialize(DeviceKernel &k, Value barrier, int64_t arrivals);
  /// Makes initialized barriers known to what copies.
  static void fenceInitialized(DeviceKernel &k);
  /// Waits for the end of the phase with parity `parity`.
  static void wait(DeviceKernel &k, Value barrier, Value parity);
  static void arrive(DeviceKernel &k, Value barrier);
  /// At the barrier in the same place of block `rank` of the cluster. Shows
  /// what was written to this block only: for all of the cluster, it would wait
  /// for that to reach memory.
  static void arriveAt(DeviceKernel &k, Value barrier, Value rank);
  /// Arrives and announces bytes that a copy will bring.
  static void arriveExpecting(DeviceKernel &k, Value barrier, int64_t bytes);
};

/// How the cache is to keep what a copy reads, which may be the last to.
Value readHint(DeviceKernel &k, Value isLast);

/// Copies the box at (row, col) of a tensor map to shared memory; its bytes
/// arrive at `barrier`: of every block of a cluster of `blocks` blocks, in the
/// same places.
void copyBox(DeviceKernel &k, Value to, Value map, Value barrier, Value row,
             Value col, Value hint, int64_t blocks);

/// Makes what this thread wrote to shared memory, cp.async included, visible to
/// wgmma.
void fenceForProducts(DeviceKernel &k);

/// An operand in shared memory as wgmma sees it: K-major rows of 128 bytes with
/// the swizzle of TensorCore.h. Described by 64 bits of which the low half has
/// the address (PTX ISA, "matrix descriptor").
struct MatrixDescriptor {
  Value low;

  /// Of the operand at shared address `address` (i32).
  static MatrixDescriptor of(DeviceKernel &k, Value address);
  /// Of the operand `bytes` further on. Computed anew every time: all of them
  /// at once would need more uniform registers than there are.
  Value at(DeviceKernel &k, int64_t bytes) const;
};

/// wgmma m64nNk16: 64 rows of weights, n tokens, 16 of K, f32 accumulators,
/// kept as one struct. Accumulator 4 j + 2 h + q of lane l of warp w is row
/// 16 w + 8 h + l / 4 of token 8 j + 2 (l % 4) + q (PTX ISA, "register
/// fragments for wgmma.mma_async.m64nNk16").
struct WgmmaAtom {
  static constexpr int64_t m = 64, k = 16;

  Type element;
  int64_t n;

  Type accumulatorType() const;
  Value zeros(DeviceKernel &builder) const;
  /// Starts accumulators += weights * tokens.
  Value multiply(DeviceKernel &builder, Value weights, Value tokens,
                 Value accumulators) const;
  /// The same with weights in registers: each warp has the fragments of 16 rows
  /// that mma.sync takes (MmaAtom). `accumulators` are written anew unless
  /// `adds`. None of the registers may be written before `wait`.
  void multiply(DeviceKernel &builder, ValueRange weights, Value tokens,
                MutableArrayRef<Value> accumulators, bool adds) const;
  SmallVector<Value> unpack(DeviceKernel &builder, Value accumulators) const;

  /// Before the first product that uses registers written otherwise.
  static void fence(DeviceKernel &builder);
  static void commit(DeviceKernel &builder);
  static void wait(DeviceKernel &builder, int64_t groups);
};

/// Stores 1, 2 or 4 transposed 8 x 8 matrices of 16-bit numbers, a register of
/// each for every lane; lane l says where column l % 8 of matrix l / 8 goes.
void storeTransposed(DeviceKernel &k, Value pointer, ValueRange matrices);

/// Gives registers back, or takes them; all warps of a warpgroup together.
void releaseRegisters(DeviceKernel &k, int64_t keep);
void takeRegisters(DeviceKernel &k, int64_t total);

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_WARPGROUP_H

//===- TensorCore.h - Fragments, swizzles, copies ---------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a tile on tensor cores is written with. Both operands lie in shared
// memory K-major, 64 elements of 2 bytes to a row of 128 bytes, whose 16-byte
// chunks are swizzled so that no two rows of an 8 x 8 matrix meet in a bank.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_TENSORCORE_H
#define MOEC_LIB_CODEGEN_NVPTX_TENSORCORE_H

#include "DeviceKernel.h"

namespace moec::nvptx {

/// The 128-byte swizzle: chunk c of row r lies at chunk c ^ (r & 7).
struct Swizzle {
  static constexpr int64_t rowBytes = 128, chunkBytes = 16;
  /// Elements of 2 bytes and chunks of a row.
  static constexpr int64_t depth = rowBytes / 2,
                           rowChunks = rowBytes / chunkBytes;
  /// Of which the pattern repeats, and stages begin at a multiple.
  static constexpr int64_t rows = 8, alignment = 1024;

  /// The byte where chunk `chunk` of row `row` lies.
  static Value at(DeviceKernel &k, Value row, Value chunk);
};

/// mma.sync m16n8k16: 16 rows of weights, 8 tokens, 16 of K, f32 accumulators.
struct MmaAtom {
  static constexpr int64_t m = 16, n = 8, k = 16;
  /// Registers of a thread: of an operand with 16 rows, with 8, and of the
  /// accumulators. Accumulator 2 h + q of lane l is row 8 h + l / 4 of token
  /// 2 (l % 4) + q (PTX ISA, "matrix fragments for mma.m16n8k16").
  static constexpr int64_t weightRegisters = 4, tokenRegisters = 2,
                           accumulators = 4;

  Type element;

  static bool takes(Type element) {
    return element.isBF16() || element.isF16();
  }
  /// accumulators += weights * tokens.
  void multiply(DeviceKernel &k, ValueRange weights, ValueRange tokens,
                MutableArrayRef<Value> accumulators) const;
};

/// Four 8 x 8 matrices from shared memory: a register of each for every lane;
/// lane l says where row l % 8 of matrix l / 8 lies.
SmallVector<Value, 4> loadMatrices(DeviceKernel &k, Value pointer);

/// Copies that are under way while a warp computes (cp.async), in groups.
struct AsyncCopies {
  /// Copies 16 bytes from global to shared memory, if `enabled` is 16 or not
  /// given, or none and writes zeros, if it is 0.
  static void copy(DeviceKernel &k, Value to, Value from, Value enabled = {});
  static void commit(DeviceKernel &k);
  /// Waits until at most `groups` are under way.
  static void wait(DeviceKernel &k, int64_t groups);
};

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_TENSORCORE_H

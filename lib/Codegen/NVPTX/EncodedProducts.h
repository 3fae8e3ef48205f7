//===- EncodedProducts.h - Products of a warp's encoded weights -*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A warp decodes 32 rows of weights in registers, and tensor cores multiply the
// codes with the rows; the sums of a group are scaled in f32 and added to the
// tile's. Which numbers of K meet in a step of the tensor core does not matter,
// so rows are read in the order of the codes.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_ENCODEDPRODUCTS_H
#define MOEC_LIB_CODEGEN_NVPTX_ENCODEDPRODUCTS_H

#include "EncodedWeights.h"

namespace moec::nvptx {

/// Of a tile by mma.sync, what does not depend on where tokens come from.
class EncodedProducts {
protected:
  /// For `tokens` tokens. If they are few, there are registers to decode much
  /// at once, and tensor cores have time for more products.
  EncodedProducts(ProductKernel &p, int64_t tokens, bool areFew);

  /// Registers of a token's numbers that a lane has in a step of the panels,
  /// and lanes of a warp that have the same token.
  static constexpr int64_t stepRegisters = Swizzle::chunkBytes / 4,
                           tokenLanes = warpSize / MmaAtom::n;

  /// Reports a strategy that does not fit; `fits` says whether all else does,
  /// `warpRows` are the rows of weights of a warp.
  LogicalResult check(int64_t warpRows, bool fits);
  SmallVector<Value> zeroSums();
  /// Adds the products of the stage whose codes begin at byte `codes` of
  /// `stages`, with the numbers that `tokensOf` gives for a token atom and a
  /// step of the panels.
  void multiply(
      const Memory &stages, Value codes,
      function_ref<SmallVector<Value>(int64_t atom, int64_t step)> tokensOf,
      MutableArrayRef<Value> sums);
  /// Scales sums by what the numbers of whole rows have in common.
  void scaleRows(MutableArrayRef<Value> sums);

  ProductKernel &p;
  DeviceKernel &k;
  const moe::GpuTileAttr tile;
  const MmaAtom atom;
  const int64_t tokens, tokenAtoms;
  const bool areFew;
  /// Elements of K in a stage, and steps of the panels.
  const int64_t depth, stageSteps;
  EncodedWeights weights;
  /// Whether numbers are decoded too large: then it costs less to take that off
  /// the sums.
  const bool lifted;
};

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_ENCODEDPRODUCTS_H

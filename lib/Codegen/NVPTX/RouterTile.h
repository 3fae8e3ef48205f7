//===- RouterTile.h - Rows times a router's matrix --------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The gating product of a router for as many rows as a block has warps, on
// tensor cores. Routers work on f32 numbers, which decide between experts: a
// number is taken apart into as many of bf16 as are exactly it, three at most,
// by cutting its bits, and all their products are added up but those below the
// last bit of f32.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_ROUTERTILE_H
#define MOEC_LIB_CODEGEN_NVPTX_ROUTERTILE_H

#include "DeviceKernel.h"

namespace moec::nvptx {

/// Whether the tile multiplies by a matrix of `element`.
bool isRouterTileElement(Type element);

/// `rowCount` rows of `x` from `firstRow` on and a matrix of `outputs` rows,
/// both with zeros up to `stride`, a multiple of 64.
struct RouterTileOperands {
  Memory x;
  Value firstRow, rowCount;
  Memory matrix;
  int64_t outputs, stride;
};

/// The sums of a row for each of the block's warps, [warps, outputs], in shared
/// memory, after a barrier of the block. Rows past the end are undefined.
Memory emitRouterTile(DeviceKernel &k, const RouterTileOperands &operands);

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_ROUTERTILE_H

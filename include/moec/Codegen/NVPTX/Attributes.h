//===- Attributes.h - What passes of the NVPTX back end leave ---*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of attributes beside those of the dialect. A strategy of
// moe-choose-nvptx-strategy is a dictionary of two #moe.gpu_tile, "few" for
// calls of few tokens and "many" for all others.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_CODEGEN_NVPTX_ATTRIBUTES_H
#define MOEC_CODEGEN_NVPTX_ATTRIBUTES_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace moec::nvptx {

/// The tiles of a product in calls of few tokens, of some, where there is one
/// for them, and of all others.
inline constexpr llvm::StringLiteral fewTilesName = "few",
                                     someTilesName = "some",
                                     manyTilesName = "many";
/// Tokens that do not fill a tile take half of it, a quarter, and so on, down
/// to this: of tiles by mma.sync, and by wgmma.
inline constexpr int64_t leastMmaTokens = 16, leastWgmmaTokens = 8;
/// Of a layer's function: a call of less tokens is one of few; one of at least
/// so many is one of many, where products have tiles for some.
inline constexpr llvm::StringLiteral fewBelowName = "moe.few_below",
                                     manyFromName = "moe.many_from";
/// Of a layer's function: launches may begin before the one before has ended.
inline constexpr llvm::StringLiteral overlapName = "moe.overlap";
/// Of a plan: pairs (n, T), rising: its first n launches, but those of the
/// pairs before, are for calls of less than T tokens. The rest is for all
/// others.
inline constexpr llvm::StringLiteral rangesName = "moe.ranges";
/// Of a plan: the number of a buffer that is zero before each launch.
inline constexpr llvm::StringLiteral countersName = "moe.counters";

} // namespace moec::nvptx

#endif // MOEC_CODEGEN_NVPTX_ATTRIBUTES_H

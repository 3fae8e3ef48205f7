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

/// The tiles of a product.
inline constexpr llvm::StringLiteral fewTilesName = "few",
                                     manyTilesName = "many";
/// Tokens that do not fill a tile take half of it, a quarter, and so on, down
/// to this: of tiles by mma.sync, and by wgmma.
inline constexpr int64_t leastMmaTokens = 16, leastWgmmaTokens = 8;
/// Of a layer's function, and of its plan: a call of less tokens is one of few.
inline constexpr llvm::StringLiteral fewBelowName = "moe.few_below";
/// Of a layer's function: launches may begin before the one before has ended.
inline constexpr llvm::StringLiteral overlapName = "moe.overlap";
/// Of a plan: so many of its launches are for calls of few tokens, the rest for
/// all others. Without it, all are for all calls.
inline constexpr llvm::StringLiteral fewLaunchesName = "moe.few_launches";
/// Of a plan: the number of a buffer that is zero before each launch.
inline constexpr llvm::StringLiteral countersName = "moe.counters";

} // namespace moec::nvptx

#endif // MOEC_CODEGEN_NVPTX_ATTRIBUTES_H

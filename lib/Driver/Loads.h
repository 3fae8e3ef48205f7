//===- Loads.h - Where tokens go --------------------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loads of experts that explain and gpu-report judge a layer by.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_LOADS_H
#define MOEC_LIB_DRIVER_LOADS_H

#include "moec/Performance/LayerCost.h"

namespace moec::driver {

/// Each token goes to different experts, all of them equally likely; the same
/// in every call.
perf::Load randomLoad(const perf::LayerCost &cost, int64_t tokens);

/// Where the file `path` sends tokens: its tensor "topk_ids", i32 [T, K], as
/// `moec run` writes it. Fails if it has none.
llvm::Expected<perf::Load> readLoad(llvm::StringRef path,
                                    const perf::LayerCost &cost);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_LOADS_H

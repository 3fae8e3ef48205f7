//===- PanelWork.h - A product as the cost model sees it --------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Between IR and the cost model, which knows none.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_CODEGEN_CPU_PANELWORK_H
#define MOEC_CODEGEN_CPU_PANELWORK_H

#include "moec/Codegen/CPU/CostModel.h"
#include "moec/Dialect/Moe/Moe.h"

namespace moec {

/// The work of one panel of weights of type [N, K] or [E, N, K].
PanelWork panelWork(mlir::moe::CpuTileAttr tile,
                    mlir::RankedTensorType weights);

/// "K whole", "chunks of 512, looking ahead".
std::string inWords(const RowLoops &loops);

} // namespace moec

#endif // MOEC_CODEGEN_CPU_PANELWORK_H

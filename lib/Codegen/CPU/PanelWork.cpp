//===- PanelWork.cpp - A product as the cost model sees it ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Codegen/CPU/PanelWork.h"
#include "PackedProduct.h"

namespace moec {

PanelWork panelWork(mlir::moe::CpuTileAttr tile,
                    mlir::RankedTensorType weights) {
  mlir::moe::PanelsAttr panels = cpu::panelsFor(tile, {}, weights);
  PanelWork work;
  work.tileRows = tile.getRows();
  work.vectors = tile.getCols() / tile.getLanes();
  work.unroll =
      panels.getGroups() > 1 ? panels.getUnitSteps() : tile.getUnroll();
  work.steps = panels.getSteps();
  work.stepBytes = panels.getPanelBytes() / panels.getSteps();
  return work;
}

std::string inWords(const RowLoops &loops) {
  std::string text = loops.chunk ? "chunks of " + std::to_string(loops.chunk)
                                 : std::string("K whole");
  return text + (loops.ahead ? ", looking ahead" : "");
}

} // namespace moec

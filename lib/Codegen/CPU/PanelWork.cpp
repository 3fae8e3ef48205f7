//===- PanelWork.cpp - A product as the cost model sees it ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Codegen/CPU/PanelWork.h"
#include "PackedProduct.h"
#include "moec/Dialect/Moe/NumberFormat.h"

namespace moec {

/// Vector instructions that make a vector of what is multiplied of encoded
/// weights, in steps of `depth` elements: those that AVX-512 takes
/// (lib/Codegen/CPU/Codes.cpp) besides loads. Conversions count twice: half as
/// many units do them.
static double decodeInstructions(BlockFormat format, int64_t depth) {
  switch (format.code) {
  case CodeType::Int8:
    return depth == 4 ? 0 : depth == 2 ? 9 : 4;
  case CodeType::E4M3:
    return depth == 2 ? 9 : 7;
  case CodeType::Int4:
    return depth == 4 ? 1.5 : depth == 2 ? 1.5 : 5;
  case CodeType::UInt4:
    return depth == 4 ? 1.5 : depth == 2 ? 3 : 5;
  case CodeType::E2M1:
    return depth == 4 ? 2.5 : depth == 2 ? 1.5 : 6;
  }
  llvm_unreachable("every code is decoded");
}

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
  work.rowInstructions = work.vectors + 1;
  if (auto format = mlir::moe::NumberFormat::of(panels.getEncoding())) {
    work.decodeInstructions =
        double(work.vectors) *
        decodeInstructions(format->block, tile.getDepth());
    work.decodedBytes = work.vectors * tile.getLanes() * int64_t(sizeof(float));
    bool hasZeros = format->block.scale == ScaleType::BF16Zero;
    if (panels.getGroups() > 1)
      work.scaledGroups = panels.getGroups();
    if (hasZeros && tile.getDepth() == 4)
      work.groupProducts = 2;
    // bf16 rows of encoded weights are operands in memory.
    if (tile.getDepth() == 2 && tile.getLanes() == 16)
      work.rowInstructions = work.vectors;
  }
  return work;
}

std::string inWords(const RowLoops &loops) {
  std::string text = loops.chunk ? "chunks of " + std::to_string(loops.chunk)
                                 : std::string("K whole");
  return text + (loops.ahead ? ", looking ahead" : "") +
         (loops.decode ? ", decoded once" : "");
}

} // namespace moec

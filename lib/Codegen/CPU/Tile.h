//===- Tile.h - The register tile of a product ------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The innermost kernel: a few rows times one packed panel of weights, all of K
// in one pass, the accumulators in registers, then the epilogue on them.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_CPU_TILE_H
#define MOEC_LIB_CODEGEN_CPU_TILE_H

#include "Arithmetic.h"
#include "KernelEmitter.h"

namespace moec::cpu {

/// What a product's tiles have in common.
struct TileShape {
  moe::CpuTileAttr tile;
  /// The packed weights: side by side in a panel are 2 for gate and up.
  moe::PanelsAttr layout;
  /// Columns of one weight, and their length.
  int64_t n = 0, k = 0;
  /// How rows are multiplied by panels.
  std::shared_ptr<const Arithmetic> arithmetic;
  /// Types of the rows and of the result.
  MemRefType rowsType, destinationType;
  /// Operands with an element for each column: `memref<? x stride x f32>`.
  SmallVector<MemRefType> columnTypes;
  /// Rows have a factor of their own; results are added, weighted, into rows.
  bool scaled = false, combines = false;
  /// The epilogue. Without one there is one weight, and columns are added.
  Block *epilogue = nullptr;
  /// K can be taken in chunks, with the accumulators in memory between them.
  bool chunked = false;
  /// The weights are read as decodePanel() has left them.
  bool decoded = false;

  int64_t weights() const { return layout.getArgs().size(); }
  /// Columns of the result that a panel makes.
  int64_t resultCols() const { return tile.getCols() / weights(); }
  int64_t panels() const;
  /// Steps of `depth` elements in a panel.
  int64_t steps() const { return layout.getSteps(); }
  /// Those that have elements of K.
  int64_t usedSteps() const;
  /// Numbers come in groups with a scale each.
  bool grouped() const { return layout.getGroups() > 1; }
  /// Steps that a chunk of K is a multiple of.
  int64_t chunkSteps() const;
  /// Cache lines that one iteration of a tile's innermost loop reads.
  int64_t iterationLines() const;
  /// The bytes of one panel.
  MemRefType panelType() const;
  /// `memref<? x cols x f32>`.
  MemRefType partialsType() const;
  /// Vectors of weights in a step.
  int64_t vectors() const { return tile.getCols() / tile.getLanes(); }
  /// What decoded weights are kept in, a row for each vector: `memref<? x lanes
  /// x f32>`.
  MemRefType decodedType() const;
};

/// Where group `number` is: its scales and codes in the panel, its first step
/// of K, and how many it has.
struct PanelGroup {
  PanelGroup(KernelEmitter &e, const TileShape &shape, Value number);
  Value scales, codes, first, steps;
};

/// What one call of a tile works on, besides the shape.
struct TileArguments {
  /// The rows and which of them.
  Value rows;
  SmallVector<Value> rowNumbers;
  /// The panel (panelType()), the first column it makes, and its expert.
  Value panel, firstCol, expert;
  SmallVector<Value> columns;
  /// Factors, one a row.
  SmallVector<Value> scales;
  /// Where results go: the row numbers, and the weights of a combine.
  Value destination;
  SmallVector<Value> destinationRows, combineWeights;
  /// What to fetch into the second cache meanwhile: an address, and how many
  /// lines from there on in every iteration of the innermost loop.
  Value ahead, aheadLines;
  /// With `chunked`: the steps [from, to) of K, and what is carried from one
  /// chunk to the next (partialsType(), the tile's first row there).
  Value from, to, partials, firstPartial;
  /// With `decoded`: the weights (decodedType()), and the row of the first
  /// vector of the first step.
  Value decoded, firstDecoded;
};

/// Begins a function of the kernel's module that LLVM does not inline.
func::FuncOp beginLocalFunction(KernelEmitter &e, const std::string &name,
                                ArrayRef<Type> types);

/// Emits what a tile of `rows` rows does.
void emitTileBody(KernelEmitter &e, const TileShape &shape,
                  const TileArguments &arguments, int64_t rows);

/// The functions `NAME_tileR` for tiles of 1 to `tile.rows` rows, in the module
/// of the kernel.
class TileFunctions {
public:
  TileFunctions(KernelEmitter &e, TileShape shape, std::string name);
  void call(KernelEmitter &e, const TileArguments &arguments) const;

private:
  func::FuncOp emit(KernelEmitter &e, int64_t rows);

  TileShape shape;
  std::string name;
  SmallVector<func::FuncOp> functions;
};

/// The function `NAME_decode`, which decodes steps of a panel for tiles with
/// TileShape::decoded.
class DecodeFunction {
public:
  DecodeFunction(KernelEmitter &e, TileShape shape, const std::string &name);
  /// Decodes steps [from, to) of `panel` to rows of `decoded` from `first` on.
  void call(KernelEmitter &e, Value panel, Value from, Value to, Value decoded,
            Value first) const;

private:
  TileShape shape;
  func::FuncOp function;
};

} // namespace moec::cpu

#endif // MOEC_LIB_CODEGEN_CPU_TILE_H

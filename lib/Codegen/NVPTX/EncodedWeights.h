//===- EncodedWeights.h - A warp's rows of encoded weights ------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes and scales of 32 rows, stage after stage along K: copied to shared
// memory as they are packed, read by each lane in runs of 16 bytes, and decoded
// to fragments of the tensor core: for one warp, or for two warps of a
// warpgroup, which have an atom each.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_ENCODEDWEIGHTS_H
#define MOEC_LIB_CODEGEN_NVPTX_ENCODEDWEIGHTS_H

#include "Decode.h"
#include "ProductTile.h"
#include "TensorCore.h"

namespace moec::nvptx {

class EncodedWeights {
public:
  /// In stages of `depth` elements of K.
  EncodedWeights(ProductKernel &p, int64_t depth);

  static constexpr int64_t rows = 32, rowAtoms = rows / MmaAtom::m;
  /// Steps of the panels and of the tensor core in a span: the elements of K of
  /// a stage that have one scale.
  int64_t spanSteps() const { return span / encodedDepth; }
  int64_t spanProducts() const { return span / MmaAtom::k; }
  int64_t spans() const { return depth / span; }
  /// Stages along K.
  int64_t stages() const { return panels.getSteps() * encodedDepth / depth; }
  int64_t stageBytes() const { return codeBytes + scaleBytes; }
  bool fits() const;

  CodeDecoder decoder;
  /// Whether all numbers of a row have one scale, which is read at the end.
  bool hasRowScales() const;
  /// Whether sums of spans are scaled before they are added to others.
  bool scalesSpans() const {
    return !hasRowScales() && !decoder.scalesNumbers();
  }

  /// Where a lane's chunks of a stage of K are: of codes, `[panel][step]`, and
  /// of scales, if there are any.
  struct Chunks {
    SmallVector<Value> codes;
    Value scales;
  };

  /// The rows from `row` of the tile on.
  void find(Value row);
  Chunks chunksOf(Value stage);
  /// Bytes from the chunks of a stage to those `stages` further, if they are
  /// the same for all.
  struct Distance {
    int64_t codes, scales;
  };
  std::optional<Distance> distance(int64_t stages) const;
  /// Starts to copy the stage of these chunks to byte `to` of `arena`.
  void copy(const Memory &arena, const Chunks &chunks, Value to);
  /// The scales of a lane's rows in a span, for each panel.
  SmallVector<Scales> loadScales(const Memory &arena, Value from, int64_t span);
  /// The fragments of a step of the panels, `[row atom][product][register]`,
  /// with the scales of its span.
  SmallVector<Value> fragments(const Memory &arena, Value from, int64_t step,
                               ArrayRef<Scales> scales, bool lifted);
  /// What fragments of a row atom are multiplied with to be taken off, if they
  /// are lifted.
  SmallVector<Value> lift(int64_t rowAtom, ArrayRef<Scales> scales);
  /// The scale of row `half * 8 + lane / 4` of a row atom.
  Value scale(ArrayRef<Scales> scales, int64_t rowAtom, int64_t half);
  /// The scales of whole rows.
  SmallVector<Scales> loadRowScales();

  //===--- Half of the rows -----------------------------------------------===//

  // A warp's 16 rows by wgmma are two runs of 8 features, or one run of two
  // weights: those that a panel of 32 rows has next to each other, or in the
  // two halves. `second` is the number of the warp: 0 or 1.

  /// The same of the warp's rows alone.
  Scales loadHalfScales(const Memory &arena, Value from, int64_t span,
                        Value second);
  SmallVector<Value> halfFragments(const Memory &arena, Value from,
                                   int64_t step, const Scales &scales,
                                   Value second);
  Value halfScale(const Scales &scales, int64_t half) {
    return decoder.scale(k, scales, half * upperRow());
  }
  Scales loadHalfRowScales(Value second);

private:
  /// Of the rows that a lane has of a panel, the one that is 8 rows further on
  /// in a warp's half.
  int64_t upperRow() const { return p.product.weights == 2 ? panelAtoms() : 1; }
  Value halfAt(Value second, int64_t panelBytes);
  Scales halfOf(const Scales &words, int64_t bits, Value second);
  /// Bytes of a lane's scales of a panel's group, and of all lanes'.
  int64_t laneScaleBytes() const {
    return decoder.laneRows() * decoder.scaleBytes();
  }
  /// Panels, and atoms of one.
  int64_t numPanels() const { return rows / panels.getCols(); }
  int64_t panelAtoms() const { return panels.getCols() / MmaAtom::m; }
  int64_t scaleChunks() const {
    return panels.getScaleBytes() / Swizzle::chunkBytes;
  }
  /// Elements of K in a unit of the panels.
  int64_t unitDepth() const {
    return panels.getUnitGroups() * panels.getGroup();
  }
  Value groupAt(Value group);
  Value codesAt(Value step);
  Value codesOf(Value panel, Value stage, int64_t step);
  SmallVector<Value> decodeRows(const Scales &codes, const Scales &scales,
                                int64_t low, int64_t high, bool lifted);
  Value scalesOf(Value stage);
  Scales loadWords(Value pointer, int64_t bytes);

  ProductKernel &p;
  DeviceKernel &k;
  const moe::PanelsAttr panels;
  const int64_t depth, span, codeBytes, scaleBytes;
  /// The warp's panels, and of those this lane's chunk: of codes, in each
  /// panel, and of scales, if units are parts of a stage.
  SmallVector<Value> pointers, codeChunks;
  Value scaleChunk;
};

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_ENCODEDWEIGHTS_H

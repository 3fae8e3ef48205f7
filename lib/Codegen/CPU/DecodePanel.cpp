//===- DecodePanel.cpp - Weights decoded once for many tiles --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a tile makes of codes in registers, left in memory for all tiles of a
// panel, or of a chunk of it.
//
//===----------------------------------------------------------------------===//

#include "Tile.h"

namespace moec::cpu {

namespace {

struct PanelDecoder {
  KernelEmitter &e;
  const TileShape &shape;
  Value panel, from, to, decoded, first;

  /// Steps [begin, end) of those whose first is step `base` of K and has its
  /// codes at `codes`, with the zeros beside the scales at `scales`.
  void decodeSteps(Value begin, Value end, Value base, Value codes,
                   Value scales) {
    const Arithmetic &arithmetic = *shape.arithmetic;
    SmallVector<Value> zeros;
    for (int64_t v = 0; v < shape.vectors(); ++v)
      zeros.push_back(arithmetic.zero(panel, scales, v));
    e.loop(begin, end, [&](Value number) {
      Value offset =
          e.add(codes, e.mul(number, e.index(shape.layout.getStepBytes())));
      Value row = e.add(first, e.mul(e.sub(e.add(base, number), from),
                                     e.index(shape.vectors())));
      for (int64_t v = 0; v < shape.vectors(); ++v) {
        Value weights = arithmetic.weights(panel, offset, v, zeros[v]);
        Value floats = vector::BitCastOp::create(
            e.b, e.vector(e.b.getF32Type(), shape.tile.getLanes()), weights);
        vector::StoreOp::create(e.b, floats, decoded,
                                ValueRange{e.add(row, e.index(v)), e.index(0)});
      }
    });
  }

  void emit() {
    if (!shape.grouped())
      return decodeSteps(
          from, arith::MinSIOp::create(e.b, to, e.index(shape.usedSteps())),
          e.index(0), e.index(shape.layout.getCodeOffset(0)),
          e.index(shape.layout.getScaleOffset(0)));
    Value steps = e.index(shape.layout.getGroupSteps());
    e.loop(e.div(from, steps), e.div(to, steps), [&](Value number) {
      PanelGroup group(e, shape, number);
      decodeSteps(e.index(0), group.steps, group.first, group.codes,
                  group.scales);
    });
  }
};

} // namespace

DecodeFunction::DecodeFunction(KernelEmitter &e, TileShape shapeOfTiles,
                               const std::string &name)
    : shape(std::move(shapeOfTiles)) {
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPoint(e.entry);
  Type index = e.b.getIndexType();
  function = beginLocalFunction(
      e, name + "_decode",
      {shape.panelType(), index, index, shape.decodedType(), index});
  ValueRange arguments = function.getArguments();
  PanelDecoder{e,
               shape,
               arguments[0],
               arguments[1],
               arguments[2],
               arguments[3],
               arguments[4]}
      .emit();
  func::ReturnOp::create(e.b);
}

void DecodeFunction::call(KernelEmitter &e, Value panel, Value from, Value to,
                          Value decoded, Value first) const {
  func::CallOp::create(e.b, function,
                       ValueRange{panel, from, to, decoded, first});
}

} // namespace moec::cpu

//===- PackedProduct.cpp - A product and its packed weights ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PackedProduct.h"
#include "moec/Codegen/Common/Panels.h"
#include "moec/Dialect/Moe/NumberFormat.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

namespace moec::cpu {

Value PackedProduct::panel(KernelEmitter &e, Value expert, Value panel) const {
  MemRefType type = shape.panelType();
  SmallVector<OpFoldResult> offsets{expert, panel, e.b.getIndexAttr(0)};
  SmallVector<OpFoldResult> sizes{e.b.getIndexAttr(1), e.b.getIndexAttr(1),
                                  e.b.getIndexAttr(type.getDimSize(0))};
  SmallVector<OpFoldResult> strides(3, e.b.getIndexAttr(1));
  return memref::SubViewOp::create(e.b, type, panels, offsets, sizes, strides);
}

Value PackedProduct::address(KernelEmitter &e, Value expert,
                             Value panel) const {
  Value number = e.add(e.mul(expert, e.index(shape.panels())), panel);
  Value bytes = e.index(shape.layout.getPanelBytes());
  return e.add(e.address(panels), e.mul(number, bytes));
}

Value PackedProduct::address(KernelEmitter &e, Value expert, Value panel,
                             Value steps) const {
  Value bytes = e.mul(steps, e.index(shape.layout.getPanelBytes()));
  return e.add(address(e, expert, panel), e.div(bytes, e.index(shape.steps())));
}

static Attribute encodingOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getEncoding();
}

/// Reports a strategy that does not fit the operands of `op`, or the target.
static LogicalResult checkStrategy(Operation *op, const Isa &isa,
                                   moe::CpuTileAttr tile, ValueRange weights,
                                   Value rows) {
  if (tile.getCols() % (tile.getLanes() * weights.size()) != 0)
    return op->emitOpError("strategy ")
           << tile << " cannot split " << tile.getCols() << " columns among "
           << weights.size() << " weights";
  if (tile.getUnroll() > 8 ||
      tile.getCols() / static_cast<int64_t>(weights.size()) > 64)
    return op->emitOpError("strategy ") << tile << " is out of range";
  bool takesDots =
      tile.getDepth() == 2 || (tile.getDepth() == 4 && isa.int8Dot);
  if (takesDots && !isa.instructions(32 * tile.getLanes()))
    return op->emitOpError("strategy ")
           << tile << " takes dot products on vectors of " << tile.getLanes()
           << " numbers, which the target does not have";
  bool encoded = moe::NumberFormat::of(encodingOf(weights[0])).has_value();
  auto isBf16 = [](Value x) { return getElementTypeOrSelf(x).isBF16(); };
  StringRef wanted;
  if (encodingOf(rows) || tile.getDepth() == 4)
    wanted =
        tile.getDepth() == 4 && encodingOf(rows) && encoded
            ? ""
            : "fours of encoded numbers, which rows and weights have to be";
  else if (tile.getDepth() == 2)
    wanted =
        isBf16(rows) && (encoded || isBf16(weights[0])) ? "" : "pairs of bf16";
  else if (tile.getDepth() != 1)
    wanted = "1, 2 or 4 elements a step";
  if (wanted.empty())
    return success();
  return op->emitOpError("strategy ")
         << tile << " takes " << wanted << "; the operands are "
         << rows.getType() << " and " << weights[0].getType();
}

/// Reports numbers under one scale whose products with int8 rows may not fit
/// the i32 they are added up in.
static LogicalResult checkSums(Operation *op, RankedTensorType weights) {
  std::optional<moe::NumberFormat> format =
      moe::NumberFormat::of(weights.getEncoding());
  // Of each magnitude; that of fp4 is doubled.
  int64_t largest = format->block.code == CodeType::Int8    ? 127
                    : format->block.code == CodeType::Int4  ? 8
                    : format->block.code == CodeType::UInt4 ? 15
                                                            : 12;
  int64_t most = std::numeric_limits<int32_t>::max() / (largest * 127);
  int64_t k = weights.getShape().back();
  int64_t together = std::min(k, format->groupOf(k));
  if (together <= most)
    return success();
  return op->emitOpError("adds up ")
         << together << " products of int8 rows and " << format->name()
         << " weights under one scale, of which i32 is sure to hold " << most
         << "; give groups of weights scales of their own";
}

moe::PanelsAttr panelsFor(moe::CpuTileAttr tile, ArrayRef<int64_t> args,
                          RankedTensorType type) {
  return moec::panelsFor(args, type, tile.getCols(), tile.getDepth(),
                         tile.getUnroll());
}

FailureOr<PackedProduct> packProduct(KernelLowering &k, Operation *op,
                                     Attribute strategy, ValueRange weights,
                                     ValueRange columns, Value rows,
                                     Buffer rowBuffer, Buffer destination) {
  auto tile = dyn_cast_if_present<moe::CpuTileAttr>(strategy);
  if (!tile)
    return op->emitOpError("has no #moe.cpu_tile strategy; run "
                           "moe-choose-strategy first");
  if (failed(checkStrategy(op, k.e.isa, tile, weights, rows)) ||
      (encodingOf(rows) &&
       failed(checkSums(op, cast<RankedTensorType>(weights[0].getType())))))
    return failure();
  SmallVector<int64_t> numbers;
  for (Value weight :
       llvm::concat<Value>(llvm::to_vector(weights), llvm::to_vector(columns)))
    if (!k.weightNumber(weight))
      return op->emitOpError(
          "multiplies by or adds a tensor that is not a weight of the layer");
  for (Value weight : weights)
    numbers.push_back(*k.weightNumber(weight));

  auto type = cast<RankedTensorType>(weights[0].getType());
  int64_t experts = type.getRank() == 3 ? type.getDimSize(0) : 1;
  PackedProduct product;
  TileShape &shape = product.shape;
  shape.tile = tile;
  shape.layout = panelsFor(tile, numbers, type);
  shape.n = type.getShape().drop_back().back();
  shape.k = type.getShape().back();
  shape.arithmetic = Arithmetic::get(k.e, shape.layout, tile.getLanes(),
                                     EncodedRows::of(rows));
  shape.rowsType = cast<MemRefType>(rowBuffer.memref.getType());
  shape.destinationType = cast<MemRefType>(destination.memref.getType());
  for (Value column : columns)
    product.columns.push_back(k.paddedWeight(column, k.e.b.getF32Type()));
  for (const Buffer &column : product.columns)
    shape.columnTypes.push_back(cast<MemRefType>(column.memref.getType()));
  product.panels = k.weightMemory(
      shape.layout,
      MemRefType::get({experts, shape.panels(), shape.layout.getPanelBytes()},
                      k.e.b.getI8Type()));
  product.stage = llvm::formatv("weight {0}", k.packNumber(shape.layout));
  return product;
}

} // namespace moec::cpu

//===- ProductKernel.cpp - What a block does around its tile --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which tile a block has, where its rows and results are, the epilogue.
//
//===----------------------------------------------------------------------===//

#include "ProductTile.h"
#include "ScalarBody.h"
#include "TileTable.h"

namespace moec::nvptx {

ProductKernel::ProductKernel(LayerLowering &l, const Product &product,
                             DeviceKernel &k, Value block, bool waitsForRows)
    : k(k), product(product), packed(l.use(k, product.packed)),
      rows(l.use(k, product.rows)), result(l.use(k, product.result)),
      block(block), waitsForRows(waitsForRows), allPacked(packed) {
  auto useIf = [&](const std::optional<Buffer> &buffer) {
    return buffer ? l.use(k, *buffer) : Memory();
  };
  table = useIf(product.table);
  gather = useIf(product.gather);
  scale = useIf(product.scale);
  resultSlots = useIf(product.resultSlots);
  if (product.rows.scales)
    rowScales = l.useScales(k, product.rows);
  for (const Buffer &column : product.columns)
    columns.push_back(l.use(k, column));
  tiles = product.table
              ? k.load(table, 0, TileTable::tiles)
              : k.ceilDiv(l.count(k, product.rows.rows), product.tileTokens());
  blocks = k.mul(tiles, product.tileColumns());
  if (!product.table)
    allRows = l.count(k, product.rows.rows);
}

void ProductKernel::waitForRows() {
  if (waitsForRows)
    k.waitForLaunchBefore();
}

void ProductKernel::selectTile(Value rowTile, Value featureTile) {
  firstFeature = k.mul(featureTile, product.features());
  column = featureTile;
  if (product.table) {
    Value row = k.add(rowTile, TileTable::headerRows);
    expert = k.load(table, row, TileTable::expert);
    firstRow = k.load(table, row, TileTable::firstRow);
    rowCount = k.load(table, row, TileTable::rows);
    expertTiles = k.load(table, row, TileTable::expertTiles);
  } else {
    expert = k.i32(0);
    expertTiles = tiles;
    firstRow = k.mul(rowTile, product.tileTokens());
    rowCount = k.min(k.sub(allRows, firstRow), product.tileTokens());
  }
  if (product.tile.getCluster() > 1)
    takePart();
  packed.pointer =
      k.address(allPacked, k.mul(k.widen(expert), product.packedRows), 0);
}

void ProductKernel::takePart() {
  int64_t cluster = product.tile.getCluster();
  Value part = k.ceilDiv(rowCount, cluster);
  Value begin = k.mul(rank(), part);
  Value end = k.min(k.add(begin, part), rowCount);
  // A block without rows reads the last one.
  begin = k.min(begin, rowCount);
  firstRow = k.add(firstRow, k.min(begin, k.sub(rowCount, 1)));
  rowCount = k.sub(end, begin);
}

void ProductKernel::forTile(function_ref<void()> body) {
  Value columns = k.i32(product.tileColumns());
  k.when(k.compare(arith::CmpIPredicate::ult, block, blocks), [&] {
    selectTile(k.div(block, columns), k.rem(block, columns));
    body();
  });
}

Value ProductKernel::inputOf(Value row) {
  return product.gather ? k.div(slotRow(gather, row), product.choices) : row;
}

Value ProductKernel::tokenInTile(Value token) {
  Value most = k.sub(rowCount, 1);
  if (product.tile.getCluster() > 1)
    most = arith::MaxSIOp::create(k.b, most, k.i32(0));
  return k.min(token, most);
}

Value ProductKernel::inputRow(Value token) {
  return inputOf(k.add(firstRow, tokenInTile(token)));
}

void ProductKernel::forSize(ArrayRef<int64_t> sizes,
                            function_ref<void(int64_t)> body) {
  for (auto [i, size] : llvm::enumerate(sizes)) {
    k.reuseShared();
    Value fits = k.less(rowCount, size + 1);
    if (i + 1 < sizes.size())
      fits = k.both(fits, k.less(sizes[i + 1], rowCount));
    k.when(fits, [&] { body(size); });
  }
}

Value ProductKernel::packedRow(Value row) {
  Value first = k.mul(column, product.tile.getRows() / product.rowsOfPacked());
  return k.min(k.add(first, row), product.packedRows - 1);
}

Value ProductKernel::rowOfFeature(Value feature, int64_t weight) {
  int64_t run = product.run();
  Value first = k.mul(k.div(feature, run), product.packedStep());
  return k.add(k.add(first, weight * run), k.rem(feature, run));
}

TokenPlace ProductKernel::placeOf(Value token) {
  TokenPlace place;
  place.row = k.add(firstRow, token);
  if (product.scale) {
    Value slot = slotRow(gather, place.row);
    place.factor = k.load(scale, k.div(slot, product.choices),
                          k.rem(slot, product.choices));
  }
  if (product.rows.scales) {
    Value own = k.load(rowScales, inputOf(place.row), 0);
    place.factor =
        place.factor ? arith::MulFOp::create(k.b, place.factor, own) : own;
  }
  if (product.resultSlots)
    place.row = slotRow(resultSlots, place.row);
  return place;
}

void ProductKernel::forToken(Value token,
                             function_ref<void(const TokenPlace &)> body) {
  k.when(k.less(token, rowCount), [&] { body(placeOf(token)); });
}

Value ProductKernel::valueOf(Value factor, Value feature,
                             ValueRange accumulators) {
  auto elements = llvm::to_vector<4>(accumulators);
  if (factor)
    for (Value &x : elements)
      x = arith::MulFOp::create(k.b, x, factor);
  // Columns have room for as many features as the result's rows.
  for (const Memory &column : columns)
    elements.push_back(k.load(column, expert, feature));
  Value value = elements[0];
  if (product.epilogue)
    value = cloneBody(k, *product.epilogue, elements);
  else
    for (Value column : ArrayRef(elements).drop_front())
      value = arith::AddFOp::create(k.b, value, column);
  // What reads the result as rows of a product relies on zeros behind them.
  if (product.n != product.result.stride)
    value = k.select(k.less(feature, product.n), value, k.f32(0.0));
  return value;
}

void ProductKernel::whereRoom(Value feature, function_ref<void()> body) {
  if (product.result.stride % product.features() == 0)
    return body();
  k.when(k.less(feature, product.result.stride), body);
}

void ProductKernel::finish(const TokenPlace &place, const Element &element) {
  Value feature = k.add(firstFeature, element.feature);
  whereRoom(feature, [&] {
    k.storeF32(valueOf(place.factor, feature, element.accumulators), result,
               place.row, feature);
  });
}

} // namespace moec::nvptx

//===- TileFma.cpp - A tile by fused multiply-adds ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For every pair of element types, f32 among them, which no tensor core
// multiplies exactly, and for encoded weights. Steps of K pass through shared
// memory as f32; a thread keeps a small square of accumulators.
//
//===----------------------------------------------------------------------===//

#include "EncodedColumns.h"
#include "ProductTile.h"

namespace moec::nvptx {

namespace {

/// Threads along the features of a tile.
constexpr int64_t featureThreads = 16;

class FmaTile {
public:
  FmaTile(ProductKernel &p)
      : p(p), k(p.k), tile(p.product.tile), weights(p.product.weights),
        tokenThreads(k.threads / featureThreads),
        features(p.product.features() / featureThreads),
        tokens(tile.getTokens() / tokenThreads) {}

  LogicalResult check();
  void emit();

private:
  void prepareRows();
  void loadStep(Value first);
  Value loadWeight(Value row, Value inner);
  void multiplyStep(SmallVectorImpl<Value> &accumulators);
  /// The accumulator of a feature, weight and token of this thread.
  size_t place(int64_t feature, int64_t weight, int64_t token) const {
    return (feature * weights + weight) * tokens + token;
  }
  Value featureOf(int64_t i) {
    return k.add(k.rem(k.thread(), featureThreads), i * featureThreads);
  }
  Value tokenOf(int64_t i) {
    return k.add(k.div(k.thread(), featureThreads), i * tokenThreads);
  }

  ProductKernel &p;
  DeviceKernel &k;
  moe::GpuTileAttr tile;
  const int64_t weights, tokenThreads, features, tokens;
  /// Of a step: weights `[depth][weight * features + feature]` and rows
  /// `[depth][token]`, with a column more, so that no two threads of a warp
  /// meet in a bank; and the numbers of the input's rows.
  Memory weightStep, rowStep, rowNumbers;
};

} // namespace

LogicalResult FmaTile::check() {
  if (features * featureThreads == p.product.features() &&
      tokens * tokenThreads == tile.getTokens() && features > 0 && tokens > 0 &&
      p.product.rows.stride % tile.getDepth() == 0 && tile.getStages() == 1)
    return success();
  return p.product.op->emitOpError("strategy ")
         << tile << " does not fit " << featureThreads << " x " << tokenThreads
         << " threads, rows of " << p.product.rows.stride
         << " elements and one stage";
}

void FmaTile::prepareRows() {
  k.loop(k.thread(), tile.getTokens(), k.threads, [&](Value token) {
    k.store(p.inputRow(token), rowNumbers, 0, token);
  });
}

/// Number `inner` of K of row `row` of the tile.
Value FmaTile::loadWeight(Value row, Value inner) {
  if (!p.product.isEncoded())
    return k.loadF32(p.packed, p.packedRow(row), inner);
  int64_t cols = p.product.rowsOfPacked();
  Value panel = k.address(p.packed, p.packedRow(k.div(row, cols)), 0);
  // Rows have zeros behind K, and panels may end there.
  return EncodedColumns(k, p.product.panels)
      .load(panel, k.rem(row, cols), k.min(inner, p.product.k - 1));
}

void FmaTile::loadStep(Value first) {
  int64_t depth = tile.getDepth();
  k.loop(k.thread(), tile.getTokens() * depth, k.threads, [&](Value i) {
    Value token = k.div(i, depth), step = k.rem(i, depth);
    Value row = k.load(rowNumbers, 0, token);
    k.store(k.loadF32(p.rows, row, k.add(first, step)), rowStep, step, token);
  });
  for (int64_t weight = 0; weight < weights; ++weight)
    k.loop(k.thread(), p.product.features() * depth, k.threads, [&](Value i) {
      Value feature = k.div(i, depth), step = k.rem(i, depth);
      Value row = p.rowOfFeature(feature, weight);
      k.store(loadWeight(row, k.add(first, step)), weightStep, step,
              k.add(feature, weight * p.product.features()));
    });
}

void FmaTile::multiplyStep(SmallVectorImpl<Value> &accumulators) {
  SmallVector<Value> next =
      k.loopCarried(0, tile.getDepth(), 1, accumulators,
                    [&](Value step, ValueRange carried) -> SmallVector<Value> {
                      SmallVector<Value> sums(carried), row;
                      for (int64_t j = 0; j < tokens; ++j)
                        row.push_back(k.load(rowStep, step, tokenOf(j)));
                      for (int64_t i = 0; i < features; ++i)
                        for (int64_t w = 0; w < weights; ++w) {
                          Value weight = k.load(
                              weightStep, step,
                              k.add(featureOf(i), w * p.product.features()));
                          for (int64_t j = 0; j < tokens; ++j) {
                            Value &sum = sums[place(i, w, j)];
                            sum = math::FmaOp::create(k.b, weight, row[j], sum);
                          }
                        }
                      return sums;
                    });
  accumulators.assign(next.begin(), next.end());
}

void FmaTile::emit() {
  Type f32 = k.b.getF32Type();
  int64_t depth = tile.getDepth();
  weightStep = k.allocateShared(f32, depth, tile.getRows() + 1);
  rowStep = k.allocateShared(f32, depth, tile.getTokens() + 1);
  rowNumbers = k.allocateShared(k.b.getI32Type(), 1, tile.getTokens());
  p.forTile([&] {
    prepareRows();
    SmallVector<Value> zeros(features * weights * tokens, k.f32(0.0));
    SmallVector<Value> sums = k.loopCarried(
        0, p.product.rows.stride, depth, zeros,
        [&](Value first, ValueRange carried) -> SmallVector<Value> {
          SmallVector<Value> accumulators(carried);
          k.syncBlock();
          loadStep(first);
          k.syncBlock();
          multiplyStep(accumulators);
          return accumulators;
        });
    for (int64_t j = 0; j < tokens; ++j)
      p.forToken(tokenOf(j), [&](const TokenPlace &tokenPlace) {
        for (int64_t i = 0; i < features; ++i) {
          Element element{featureOf(i), {}};
          for (int64_t w = 0; w < weights; ++w)
            element.accumulators.push_back(sums[place(i, w, j)]);
          p.finish(tokenPlace, element);
        }
      });
  });
}

LogicalResult emitFmaTile(ProductKernel &p) { return emitWhole<FmaTile>(p); }

} // namespace moec::nvptx

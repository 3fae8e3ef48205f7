//===- WgmmaEpilogue.cpp - From accumulators to the result ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The epilogue runs in registers, for rows past the end too: only stores are
// masked. Eight lanes hold eight features of a token. That is a sector of
// 32-bit results, which are stored as they lie; 16-bit ones are transposed
// through shared memory and stored 16 bytes at a time.
//
//===----------------------------------------------------------------------===//

#include "WgmmaTile.h"

namespace moec::nvptx {

/// Words in a chunk.
static constexpr int64_t chunkWords = Swizzle::chunkBytes / 4;

/// The warpgroup's own barrier; 0 is the block's.
void WgmmaTile::syncGroup() { k.syncThreads(k.add(group, 1), warpgroupSize); }

//===----------------------------------------------------------------------===//
// Where results go
//===----------------------------------------------------------------------===//

/// Puts rows and factors of the tile's first `count` tokens where all threads
/// of the group read them; those past the end repeat the last one's.
void WgmmaTile::findPlaces(int64_t count) {
  if (!p.product.resultSlots && !p.product.hasFactors())
    return;
  syncGroup();
  k.loop(threadInGroup, count, warpgroupSize, [&](Value token) {
    TokenPlace place = p.placeOf(p.tokenInTile(token));
    Value i = k.add(k.mul(group, tile.getTokens()), token);
    if (p.product.resultSlots)
      k.store(place.row, {shared(rowsBegin), k.b.getI32Type(), k.i32(0)}, 0, i);
    if (p.product.hasFactors())
      k.store(place.factor, {shared(factorsBegin), k.b.getF32Type(), k.i32(0)},
              0, i);
  });
  syncGroup();
}

Value WgmmaTile::rowOf(Value token) {
  if (!p.product.resultSlots)
    return k.add(p.firstRow, token);
  return k.load({shared(rowsBegin), k.b.getI32Type(), k.i32(0)}, 0,
                k.add(k.mul(group, tile.getTokens()), token));
}

Value WgmmaTile::factorOf(Value token) {
  if (!p.product.hasFactors())
    return {};
  return k.load({shared(factorsBegin), k.b.getF32Type(), k.i32(0)}, 0,
                k.add(k.mul(group, tile.getTokens()), token));
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

// The 16 rows of a warp are two runs of 8, which are one feature's two weights
// or two features: `parts` of 8 features each.

/// The run of 8 of the group's features.
Value WgmmaTile::chunkOf(int64_t block, int64_t part) {
  int64_t parts = 2 / p.product.weights;
  Value warp = k.add(warpInGroup, block * warpsInGroup);
  return k.add(k.mul(warp, parts), part);
}

/// This lane's feature of the result.
Value WgmmaTile::featureOf(int64_t block, int64_t part) {
  Value inGroup = k.add(k.mul(chunkOf(block, part), rowRun), k.div(lane, 4));
  return k.add(k.add(p.firstFeature, k.mul(group, groupFeatures)), inGroup);
}

/// This lane's value of token 8 j + 2 (lane % 4) + q.
Value WgmmaTile::valueOf(const Accumulators &sums, int64_t block, int64_t part,
                         int64_t j, int64_t q) {
  SmallVector<Value, 2> elements;
  for (int64_t weight = 0; weight < p.product.weights; ++weight)
    elements.push_back(
        sums[block][4 * j + 2 * (part * p.product.weights + weight) + q]);
  Value feature = featureOf(block, part);
  if (p.product.result.stride % p.product.features() != 0)
    feature = k.min(feature, p.product.result.stride - 1);
  Value token = k.add(k.mul(k.rem(lane, 4), 2), 8 * j + q);
  return p.valueOf(factorOf(token), feature, elements);
}

void WgmmaTile::finish(const WgmmaAtom &atom, const Accumulators &sums) {
  // Of all tokens' numbers and places only what one of them needs is kept.
  lane = k.anew(k.lane());
  threadInGroup = k.add(k.mul(warpInGroup, warpSize), lane);
  findPlaces(atom.n);
  if (!isNarrow())
    return storeWide(atom, sums);
  for (int64_t first = 0; first < atom.n; first += outputRows) {
    int64_t count = std::min(outputRows, atom.n - first);
    // Everybody has read what was there before.
    syncGroup();
    storeNarrow(sums, first, count);
    syncGroup();
    storeRows(first, count);
  }
}

void WgmmaTile::storeWide(const WgmmaAtom &atom, const Accumulators &sums) {
  int64_t parts = 2 / p.product.weights;
  for (int64_t i = 0; i < atom.n / 4; ++i) {
    int64_t j = i / 2, q = i % 2;
    SmallVector<Value> values;
    for (int64_t block = 0; block < blocks; ++block)
      for (int64_t part = 0; part < parts; ++part)
        values.push_back(valueOf(sums, block, part, j, q));
    Value token = k.add(k.mul(k.rem(lane, 4), 2), 8 * j + q);
    k.when(k.less(token, p.rowCount), [&] {
      Value row = rowOf(token);
      for (auto [n, value] : llvm::enumerate(values)) {
        Value feature = featureOf(n / parts, n % parts);
        p.whereRoom(feature,
                    [&] { k.storeF32(value, p.result, row, feature); });
      }
    });
  }
}

//===----------------------------------------------------------------------===//
// 16-bit results
//===----------------------------------------------------------------------===//

/// Where a chunk of 8 features of a token lies in shared memory, so that eight
/// tokens' chunks are in different banks.
Value WgmmaTile::outputAt(Value token, Value chunk) {
  // Two rows of 64 bytes share the banks that a longer row has alone.
  Value turn = outputRowBytes == 64 ? k.bitAnd(k.shiftRight(token, 1), 3)
                                    : k.bitAnd(token, 7);
  Value begin = k.add(k.mul(group, outputBytes), outputBegin);
  return shared(k.add(k.add(begin, k.mul(token, outputRowBytes)),
                      k.mul(k.bitXor(chunk, turn), Swizzle::chunkBytes)));
}

/// Transposes the results of tokens [first, first + count) into shared memory.
void WgmmaTile::storeNarrow(const Accumulators &sums, int64_t first,
                            int64_t count) {
  constexpr int64_t tokensOfMatrix = 8, mostMatrices = 4;
  for (int64_t block = 0; block < blocks; ++block)
    for (int64_t part = 0; part < 2 / p.product.weights; ++part)
      for (int64_t at = 0; at < count;) {
        int64_t matrices = std::min<int64_t>(
            mostMatrices, int64_t(1)
                              << llvm::Log2_64((count - at) / tokensOfMatrix));
        SmallVector<Value> registers;
        for (int64_t i = 0; i < matrices; ++i) {
          int64_t j = (first + at) / tokensOfMatrix + i;
          registers.push_back(k.pack(valueOf(sums, block, part, j, 0),
                                     valueOf(sums, block, part, j, 1),
                                     p.result.element));
        }
        // Lanes past the last matrix say nothing.
        storeTransposed(k, outputAt(k.add(lane, at), chunkOf(block, part)),
                        registers);
        at += matrices * tokensOfMatrix;
      }
}

/// Chunk `chunk` of a token as the result's rows have it.
SmallVector<Value> WgmmaTile::loadChunk(Value token, Value chunk) {
  Type word = k.b.getI32Type();
  if (!p.result.transposed)
    return k.loadRun({outputAt(token, chunk), word, k.i32(0)}, 0, 0,
                     chunkWords);
  // Chunk c of four has word c of each of them.
  Value c = k.rem(chunk, chunkWords), first = k.sub(chunk, c);
  SmallVector<Value> words;
  for (int64_t t = 0; t < chunkWords; ++t)
    words.push_back(
        k.load({outputAt(token, k.add(first, t)), word, k.i32(0)}, 0, c));
  return words;
}

void WgmmaTile::storeRows(int64_t first, int64_t count) {
  int64_t chunks = outputRowBytes / Swizzle::chunkBytes;
  Value chunk = k.rem(threadInGroup, chunks);
  Value feature = k.add(k.add(p.firstFeature, k.mul(group, groupFeatures)),
                        k.mul(chunk, rowRun));
  Type word = k.b.getI32Type();
  Memory result{p.result.pointer, word,
                k.i64(p.product.result.stride / wordElements)};
  for (int64_t at = 0; at < count; at += warpgroupSize / chunks) {
    Value inBuffer = k.add(k.div(threadInGroup, chunks), at);
    Value token = k.add(inBuffer, first);
    Value exists = k.less(token, k.min(p.rowCount, first + count));
    k.when(exists, [&] {
      p.whereRoom(feature, [&] {
        k.storeRun(loadChunk(inBuffer, chunk), result, rowOf(token),
                   k.div(feature, wordElements));
      });
    });
  }
}

} // namespace moec::nvptx

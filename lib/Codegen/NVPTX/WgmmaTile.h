//===- WgmmaTile.h - Tiles of a product on warpgroups -----------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The function of a product for sm_90a while it is being emitted. Warpgroup 0
// copies: one thread starts TMA for boxes of weights, all of them gather rows
// of tokens by cp.async. Warpgroups 1 and 2 multiply half of the tile's weight
// rows each. Between them is a ring of stages with a full and an empty barrier
// each; a block stays for all its tiles, so that the copies of the next run
// beside the epilogue of this one.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_WGMMATILE_H
#define MOEC_LIB_CODEGEN_NVPTX_WGMMATILE_H

#include "ProductTile.h"
#include "TensorCore.h"
#include "Warpgroup.h"

namespace moec::nvptx {

class WgmmaTile {
public:
  /// The tiles of product number `number` of the `products` of a launch; `map`
  /// shows its packed weights.
  WgmmaTile(ProductKernel &p, Value map, int64_t number, int64_t products);

  /// Whether the strategy fits the operands and the chip.
  LogicalResult check();
  /// Takes shared memory: all products the same, but for their barriers.
  void allocate();
  void initializeBarriers();
  /// What the warpgroup that copies does, and what the others do.
  void produce();
  void consume();
  /// Before that, once for all products.
  void releaseRegisters();
  void takeRegisters();

private:
  /// The tile of this block, for the threads that ask.
  using TileBody = function_ref<SmallVector<Value>(ValueRange)>;
  int64_t rowTilesTogether() const;
  SmallVector<Value> forTiles(ValueRange carried, TileBody body);

  // WgmmaTile.cpp: the ring and those who fill it.
  void layOut(int64_t number, int64_t products);
  Value shared(Number offset);
  Value barrier(int64_t first, Number stage);
  Value full(Number stage) { return barrier(fullBegin, stage); }
  Value empty(Number stage) { return barrier(emptyBegin, stage); }
  void produceTiles();
  void copyTokens(Value column, Value stage, ArrayRef<Value> offsets);
  void announce(Value stage, int64_t groups);

  // WgmmaConsumer.cpp: those who multiply.
  void multiplyTile(const WgmmaAtom &atom, ValueRange parities);
  void multiplyStage(const WgmmaAtom &atom, int64_t stage, Value parity,
                     MutableArrayRef<Value> accumulators);

  // WgmmaEpilogue.cpp: from accumulators to the result.
  using Accumulators = SmallVector<SmallVector<Value>>;
  void syncGroup();
  void findPlaces(int64_t count);
  Value rowOf(Value token);
  Value factorOf(Value token);
  Value featureOf(int64_t block, int64_t part);
  Value chunkOf(int64_t block, int64_t part);
  Value valueOf(const Accumulators &sums, int64_t block, int64_t part,
                int64_t j, int64_t q);
  void finish(const WgmmaAtom &atom, const Accumulators &sums);
  void storeWide(const WgmmaAtom &atom, const Accumulators &sums);
  void storeNarrow(const Accumulators &sums, int64_t first, int64_t count);
  void storeRows(int64_t first, int64_t count);
  Value outputAt(Value token, Value chunk);
  /// Whether results have 16 bits: they go through shared memory, because
  /// accumulators lie across their rows.
  bool isNarrow() const { return elementBytes(p.result.element) == 2; }

  ProductKernel &p;
  DeviceKernel &k;
  const Value map;
  const moe::GpuTileAttr tile;
  /// Blocks of 64 weight rows of a warpgroup, and features of them.
  const int64_t blocks, groupFeatures;
  /// Stages of the ring, steps of 64 elements along K, what is left over when
  /// the ring has been passed as often as may be.
  const int64_t stages, steps, rest;
  /// Threads that copy tokens, and rows they copy at a time.
  const int64_t copyThreads, rowsAtOnce;
  /// How many tokens a tile may be computed for, falling.
  SmallVector<int64_t> tokenCounts;
  /// Bytes of a row of the result's tile in shared memory, and how many of them
  /// there is room for.
  const int64_t outputRowBytes, outputRows;

  // The map of shared memory, in bytes.
  int64_t fullBegin = 0, emptyBegin = 0, stagesBegin = 0, stageBytes = 0,
          weightBytes = 0, outputBegin = 0, outputBytes = 0, rowsBegin = 0,
          factorsBegin = 0, sharedEnd = 0;
  Memory arena;

  // Of a thread that multiplies: its warpgroup's number and operands, its
  // warp and thread in the group.
  Value group, warpInGroup, threadInGroup;
  MatrixDescriptor weights, tokens;
};

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_WGMMATILE_H

//===- WgmmaTile.h - Tiles of a product on warpgroups -----------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The function of a product for sm_90a while it is being emitted. Warpgroup 0
// copies weights, and gathers rows of tokens by cp.async. Warpgroups 1 and 2
// multiply half of the tile's weight rows each. Between them is a ring of
// stages with a full and an empty barrier each; a block stays for all its
// tiles, so that the copies of the next run beside the epilogue of this one.
// How weights come and are multiplied differs: plain ones in shared memory,
// encoded ones decoded to registers.
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
  explicit WgmmaTile(ProductKernel &p);
  virtual ~WgmmaTile() = default;

  /// Makes the map of shared memory for product number `number` of the
  /// `products` of a launch.
  void layOut(int64_t number, int64_t products);
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

protected:
  //===--- What weights differ in -----------------------------------------===//

  using Accumulators = SmallVector<SmallVector<Value>>;
  virtual LogicalResult checkOperands() = 0;
  /// Of a stage; and arrivals at a full barrier besides those of the warps that
  /// copy.
  virtual int64_t weightStageBytes() const = 0;
  virtual int64_t weightArrivals() const = 0;
  /// How many full stages those who multiply wait for besides the one that they
  /// then free.
  virtual int64_t stagesAhead() const = 0;
  /// Registers of a thread that copies.
  virtual int64_t copyRegisters() const = 0;
  /// Where weights begin, for those who copy.
  virtual void findWeights() = 0;
  /// Starts to copy step `step` of K to the stage at byte `begin`, which
  /// `barrier` tells to be full.
  virtual void copyWeights(Value step, Value begin, Value barrier) = 0;
  /// What those who multiply need for all tiles.
  virtual void beginProducts() = 0;
  /// The sums of a tile, where `phases` has a bit for the phase of each stage's
  /// full barrier.
  virtual Accumulators multiply(const WgmmaAtom &atom, Value phases) = 0;

  //===--- The ring -------------------------------------------------------===//

  Value shared(Number offset);
  Value barrier(int64_t first, Number stage);
  Value full(Number stage) { return barrier(fullBegin, stage); }
  Value empty(Number stage) { return barrier(emptyBegin, stage); }
  /// Lets the stage be filled anew; once every warp has that multiplies what
  /// those who fill it copy.
  void release(Number stage);

private:
  // WgmmaTile.cpp: the ring and those who fill it.
  int64_t rowTilesTogether() const;
  SmallVector<Value>
  forTiles(ValueRange carried,
           function_ref<SmallVector<Value>(ValueRange)> body);
  void produceTiles();
  void copyTokens(Value column, Value stage, ArrayRef<Value> offsets);
  void announce(Value stage, int64_t groups);

  // WgmmaEpilogue.cpp: from accumulators to the result.
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
  SmallVector<Value> loadChunk(Value token, Value chunk);
  /// Whether results have 16 bits: they go through shared memory, because
  /// accumulators lie across their rows.
  bool isNarrow() const { return elementBytes(p.result.element) == 2; }

protected:
  ProductKernel &p;
  DeviceKernel &k;
  const moe::GpuTileAttr tile;
  /// Thread blocks that copy weights for each other.
  const int64_t cluster;
  /// Blocks of 64 weight rows of a warpgroup, and features of them.
  const int64_t blocks, groupFeatures;
  /// Stages of the ring, steps of 64 elements along K, what is left over when
  /// the ring has been passed as often as may be.
  const int64_t stages, steps, rest;
  /// Threads that copy tokens, and rows they copy at a time.
  const int64_t copyThreads, rowsAtOnce;

private:
  /// How many tokens a tile may be computed for, falling.
  SmallVector<int64_t> tokenCounts;
  /// Bytes of a row of the result's tile in shared memory, and how many of them
  /// there is room for.
  const int64_t outputRowBytes, outputRows;

  // The map of shared memory, in bytes.
  int64_t fullBegin = 0, emptyBegin = 0, outputBegin = 0, outputBytes = 0,
          rowsBegin = 0, factorsBegin = 0, sharedEnd = 0;
  /// Of a thread that finishes a tile: its number in the warp and the group.
  Value lane, threadInGroup;

protected:
  int64_t stagesBegin = 0, stageBytes = 0, weightBytes = 0;
  Memory arena;

  // Of a thread that multiplies: its warpgroup's number, its warp in the group,
  // where the ring is, and the tokens of its first stage.
  Value group, warpInGroup, ring;
  MatrixDescriptor tokens;
};

/// Tiles of plain weights, of which `map` shows the packed rows; of encoded
/// ones.
std::unique_ptr<WgmmaTile> makePlainWgmmaTile(ProductKernel &p, Value map);
std::unique_ptr<WgmmaTile> makeEncodedWgmmaTile(ProductKernel &p);

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_WGMMATILE_H

//===- Grouping.cpp - Sorting choices by expert ---------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.group and moe.capacity. One block sorts: every warp has a run of the
// slots and counters of its own, so that places follow from counts alone and
// the order is the same in every run.
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"
#include "TileTable.h"

#include "llvm/Support/MathExtras.h"

namespace moec::nvptx {

/// Shared memory that every chip gives a block without asking.
static constexpr int64_t commonSharedBytes = 48 * 1024;

namespace {

class GroupEmitter {
public:
  GroupEmitter(LayerLowering &l, moe::GroupOp op, ArrayRef<TileTable> tables,
               DeviceKernel &k)
      : l(l), op(op), experts(op.getExperts()),
        choices(l.get(op.getIds()).cols),
        warps(std::clamp<int64_t>(commonSharedBytes / (4 * experts), 1,
                                  k.threads / warpSize)),
        k(k), ids(l.use(k, op.getIds())), offsets(l.use(k, op.getOffsets())),
        slots(l.use(k, op.getSlots())) {
    for (const TileTable &table : tables)
      this->tables.push_back({table, l.use(k, table.buffer)});
  }

  void emit();

private:
  /// Visits this warp's slots, 32 at a time and all lanes together: `body` gets
  /// the slot and its expert, `experts` where there is none.
  void forSlots(function_ref<void(Value slot, Value expert)> body);
  /// The lanes that have the same expert.
  Value lanesWith(Value expert);
  void scan();
  /// The sum over the lanes before, and over all.
  std::pair<Value, Value> prefixSum(Value value);
  void writeTiles(const TileTable &table, Value firstTile, Value expert,
                  Value firstRow, Value rows);

  LayerLowering &l;
  moe::GroupOp op;
  const int64_t experts, choices;
  /// That sort; the block may have more.
  const int64_t warps;
  DeviceKernel &k;
  Memory ids, offsets, slots, counters;
  SmallVector<std::pair<TileTable, Memory>> tables;
};

} // namespace

void GroupEmitter::forSlots(function_ref<void(Value, Value)> body) {
  Value total = k.mul(k.tokens(), choices);
  Value run = k.mul(k.ceilDiv(total, warps * warpSize), warpSize);
  Value first = k.mul(k.warp(), run), end = k.min(k.add(first, run), total);
  // So many reads are under way.
  int64_t atOnce = l.isFew() ? 1 : 4;
  k.loop(first, end, atOnce * warpSize, [&](Value start) {
    SmallVector<std::pair<Value, Value>> read;
    for (int64_t i = 0; i < atOnce; ++i) {
      Value slot = k.add(k.add(start, i * warpSize), k.lane());
      read.push_back(
          {slot, k.valueWhen(k.less(slot, end), k.i32(experts), [&] {
             Value id = k.load(ids, k.div(slot, choices), k.rem(slot, choices));
             Value known = k.compare(arith::CmpIPredicate::ult, id, experts);
             return k.select(known, id, experts);
           })});
    }
    for (auto [slot, expert] : read)
      body(slot, expert);
  });
}

Value GroupEmitter::lanesWith(Value expert) {
  Value peers = k.i32(-1);
  for (unsigned bit = 0; bit < llvm::Log2_64_Ceil(experts + 1); ++bit) {
    Value isSet = k.equal(k.bitAnd(k.shiftRight(expert, bit), 1), 1);
    Value lanes = k.ballot(isSet);
    peers =
        k.bitAnd(peers, k.select(isSet, lanes, k.bitXor(lanes, int64_t(-1))));
  }
  return peers;
}

std::pair<Value, Value> GroupEmitter::prefixSum(Value value) {
  Value sum = value;
  for (int64_t distance = 1; distance < warpSize; distance *= 2) {
    Value other = k.shuffleUp(sum, distance);
    sum = k.select(k.less(k.lane(), distance), sum, k.add(sum, other));
  }
  return {k.sub(sum, value), k.shuffle(sum, warpSize - 1)};
}

void GroupEmitter::writeTiles(const TileTable &table, Value firstTile,
                              Value expert, Value firstRow, Value rows) {
  Memory memory = l.use(k, table.buffer);
  k.loop(0, k.ceilDiv(rows, table.tokens), 1, [&](Value tile) {
    Value start = k.mul(tile, table.tokens);
    Value place = k.add(k.add(firstTile, tile), TileTable::headerRows);
    k.store(expert, memory, place, TileTable::expert);
    k.store(k.add(firstRow, start), memory, place, TileTable::firstRow);
    k.store(k.min(k.sub(rows, start), table.tokens), memory, place,
            TileTable::rows);
  });
}

/// Turns the warps' counts into the place of each warp's first slot of each
/// expert; writes offsets and tiles. One warp does it, 32 experts at a time.
void GroupEmitter::scan() {
  size_t count = tables.size();
  SmallVector<Value> sums(1 + count, k.i32(0));
  sums = k.loopCarried(
      0, experts, warpSize, sums,
      [&](Value start, ValueRange carried) -> SmallVector<Value> {
        Value expert = k.add(start, k.lane());
        Value known = k.less(expert, experts);
        Value rows = k.valueWhen(known, k.i32(0), [&] {
          return k.loopCarried(
              0, warps, 1, k.i32(0), [&](Value warp, ValueRange sum) {
                return SmallVector<Value>{
                    k.add(sum[0], k.load(counters, warp, expert))};
              })[0];
        });
        auto [before, all] = prefixSum(rows);
        Value firstRow = k.add(carried[0], before);
        SmallVector<Value> next{k.add(carried[0], all)};
        SmallVector<Value> firstTiles;
        for (size_t i = 0; i < count; ++i) {
          auto [tilesBefore, allTiles] =
              prefixSum(k.ceilDiv(rows, tables[i].first.tokens));
          firstTiles.push_back(k.add(carried[1 + i], tilesBefore));
          next.push_back(k.add(carried[1 + i], allTiles));
        }
        k.when(known, [&] {
          k.store(firstRow, offsets, 0, expert);
          k.loopCarried(0, warps, 1, firstRow,
                        [&](Value warp, ValueRange place) {
                          Value here = k.load(counters, warp, expert);
                          k.store(place[0], counters, warp, expert);
                          return SmallVector<Value>{k.add(place[0], here)};
                        });
          for (size_t i = 0; i < count; ++i)
            writeTiles(tables[i].first, firstTiles[i], expert, firstRow, rows);
        });
        return next;
      });
  k.when(k.equal(k.lane(), 0), [&] {
    k.store(sums[0], offsets, 0, experts);
    for (size_t i = 0; i < count; ++i)
      k.store(sums[1 + i], tables[i].second, 0, TileTable::tiles);
  });
}

void GroupEmitter::emit() {
  counters = k.allocateShared(k.b.getI32Type(), warps, experts);

  k.loop(k.thread(), warps * experts, k.threads,
         [&](Value i) { k.store(k.i32(0), counters, 0, i); });
  k.syncBlock();
  auto counter = [&](Value expert) {
    return k.address(counters, k.warp(), expert);
  };
  forSlots([&](Value, Value expert) {
    k.when(k.less(expert, experts),
           [&] { k.addInBlock(counter(expert), k.i32(1)); });
  });
  k.syncBlock();
  k.when(k.equal(k.warp(), 0), [&] { scan(); });
  k.syncBlock();
  forSlots([&](Value slot, Value expert) {
    Value known = k.less(expert, experts), peers = lanesWith(expert);
    Value before = k.bitAnd(peers, k.sub(k.shiftLeft(k.i32(1), k.lane()), 1));
    Value rank = math::CtPopOp::create(k.b, before);
    k.when(known, [&] {
      k.store(slot, slots, k.add(k.load(counters, k.warp(), expert), rank), 0);
    });
    k.syncWarp();
    // The first of the lanes with one expert counts for them all.
    k.when(k.both(known, k.equal(rank, 0)), [&] {
      Value lanes = math::CtPopOp::create(k.b, peers);
      k.store(k.add(k.load(counters, k.warp(), expert), lanes), counters,
              k.warp(), expert);
    });
    k.syncWarp();
  });
}

LogicalResult lowerGroup(LayerLowering &l, moe::GroupOp op) {
  Type i32 = IntegerType::get(op.getContext(), 32);
  // Offsets are one row, slots a column.
  l.set(op.getOffsets(),
        l.allocateDense({.fixed = 1}, op.getExperts() + 1, i32));
  Count slots{.perToken = l.get(op.getIds()).cols};
  l.set(op.getSlots(), l.allocateDense(slots, 1, i32));
  SmallVector<TileTable> tables = makeTileTables(l, op);
  return l.onTokens(op.getLoc(), "group", [&l, op, tables](DeviceKernel &k) {
    GroupEmitter(l, op, tables, k).emit();
    return success();
  });
}

//===----------------------------------------------------------------------===//
// Capacity
//===----------------------------------------------------------------------===//

/// A thread for each expert goes through all choices; one more takes those
/// that are no expert's.
static LogicalResult emitCapacity(LayerLowering &l, moe::CapacityOp op,
                                  DeviceKernel &k) {
  int64_t experts = op.getExperts(), choices = l.get(op.getKeptIds()).cols;
  FailureOr<Value> limitIndex = l.scalar(k, op.getLimit(), op);
  FailureOr<Value> perIndex = l.scalar(k, op.getPer(), op);
  if (failed(limitIndex) || failed(perIndex))
    return failure();
  Value limit = k.toI32(*limitIndex), per = k.toI32(*perIndex);
  Memory ids = l.use(k, op.getIds()), weights = l.use(k, op.getWeights());
  Memory toIds = l.use(k, op.getKeptIds()),
         toWeights = l.use(k, op.getKeptWeights());
  auto place = [&](Value expert, Value token, Value choice,
                   Value taken) -> Value {
    Value id = k.load(ids, token, choice);
    Value known = k.compare(arith::CmpIPredicate::ult, id, experts);
    Value mine = k.equal(k.select(known, id, experts), expert);
    Value late =
        k.both(known, k.compare(arith::CmpIPredicate::sge, taken, limit));
    k.when(mine, [&] {
      k.store(k.select(late, -1, id), toIds, token, choice);
      k.store(k.select(late, k.f32(0.0), k.load(weights, token, choice)),
              toWeights, token, choice);
    });
    return k.add(taken, k.select(mine, k.i32(1), 0));
  };
  bool byToken = op.getOrder() == moe::CapacityOrder::Token;
  auto forBatch = [&](Value expert, Value start) {
    Value end = k.min(k.add(start, per), k.tokens());
    Number outerFrom = byToken ? Number(start) : Number(0);
    Number outerTo = byToken ? Number(end) : Number(choices);
    Number innerFrom = byToken ? Number(0) : Number(start);
    Number innerTo = byToken ? Number(choices) : Number(end);
    k.loopCarried(outerFrom, outerTo, 1, k.i32(0),
                  [&](Value i, ValueRange taken) -> SmallVector<Value> {
                    return k.loopCarried(
                        innerFrom, innerTo, 1, taken,
                        [&](Value j, ValueRange inner) -> SmallVector<Value> {
                          return {byToken ? place(expert, i, j, inner[0])
                                          : place(expert, j, i, inner[0])};
                        });
                  });
  };
  k.loop(k.thread(), experts + 1, k.threads, [&](Value expert) {
    k.loop(0, k.tokens(), per, [&](Value start) { forBatch(expert, start); });
  });
  return success();
}

LogicalResult lowerCapacity(LayerLowering &l, moe::CapacityOp op) {
  l.allocateResult(op.getKeptIds());
  l.allocateResult(op.getKeptWeights());
  return l.onTokens(op.getLoc(), "capacity", [&l, op](DeviceKernel &k) {
    return emitCapacity(l, op, k);
  });
}

} // namespace moec::nvptx

//===- Grouping.cpp - Sorting choices by expert ---------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.group. Either one block sorts: every warp has a run of
// the slots and counters of its own. Or every expert has a block, which finds
// the expert's slots among all and counts those of the experts before. Places
// follow from counts alone, so that the order is the same in every run.
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
        choices(l.get(op.getIds()).cols), k(k), ids(l.use(k, op.getIds())),
        offsets(l.use(k, op.getOffsets())), slots(l.use(k, op.getSlots())) {
    for (const TileTable &table : tables)
      this->tables.push_back({table, l.use(k, table.buffer)});
  }

  /// One block sorts.
  void emitSort();
  /// Every expert has a block.
  void emitExpert();

private:
  /// Visits the slots that this one of `warps` warps has, 32 at a time and all
  /// lanes together: `body` gets the slot and its expert, `experts` where there
  /// is none, and what is carried along.
  SmallVector<Value>
  forSlots(int64_t warps, ValueRange carried,
           function_ref<SmallVector<Value>(Value, Value, ValueRange)> body);
  /// The lanes that have the same expert.
  Value lanesWith(Value expert);
  Value count(Value lanes);
  /// How many lanes before this one are among `lanes`.
  Value rankAmong(Value lanes);
  Value sum(Value value);
  /// The sum over the lanes before, and over all.
  std::pair<Value, Value> prefixSum(Value value);
  void scan(const Memory &counters, int64_t warps);
  void writeTables();
  void writeTiles(const TileTable &table, const Memory &memory, Value firstTile,
                  Value expert, Value firstRow, Value rows);

  LayerLowering &l;
  moe::GroupOp op;
  const int64_t experts, choices;
  DeviceKernel &k;
  Memory ids, offsets, slots;
  SmallVector<std::pair<TileTable, Memory>> tables;
};

} // namespace

SmallVector<Value> GroupEmitter::forSlots(
    int64_t warps, ValueRange carried,
    function_ref<SmallVector<Value>(Value, Value, ValueRange)> body) {
  Value total = k.mul(k.tokens(), choices);
  Value run = k.mul(k.ceilDiv(total, warps * warpSize), warpSize);
  Value first = k.mul(k.warp(), run), end = k.min(k.add(first, run), total);
  // So many reads are under way.
  int64_t atOnce = l.isFew() ? 1 : 4;
  return k.loopCarried(
      first, end, atOnce * warpSize, carried,
      [&](Value start, ValueRange values) {
        SmallVector<std::pair<Value, Value>> read;
        for (int64_t i = 0; i < atOnce; ++i) {
          Value slot = k.add(k.add(start, i * warpSize), k.lane());
          read.push_back(
              {slot, k.valueWhen(k.less(slot, end), k.i32(experts), [&] {
                 Value id =
                     k.load(ids, k.div(slot, choices), k.rem(slot, choices));
                 Value known =
                     k.compare(arith::CmpIPredicate::ult, id, experts);
                 return k.select(known, id, experts);
               })});
        }
        SmallVector<Value> next(values);
        for (auto [slot, expert] : read)
          next = body(slot, expert, next);
        return next;
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

Value GroupEmitter::count(Value lanes) {
  return math::CtPopOp::create(k.b, lanes);
}

Value GroupEmitter::rankAmong(Value lanes) {
  Value before = k.sub(k.shiftLeft(k.i32(1), k.lane()), 1);
  return count(k.bitAnd(lanes, before));
}

Value GroupEmitter::sum(Value value) {
  return k.butterfly(value, [&](Value x, Value y) { return k.add(x, y); });
}

std::pair<Value, Value> GroupEmitter::prefixSum(Value value) {
  Value sum = value;
  for (int64_t distance = 1; distance < warpSize; distance *= 2) {
    Value other = k.shuffleUp(sum, distance);
    sum = k.select(k.less(k.lane(), distance), sum, k.add(sum, other));
  }
  return {k.sub(sum, value), k.shuffle(sum, warpSize - 1)};
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

void GroupEmitter::writeTiles(const TileTable &table, const Memory &memory,
                              Value firstTile, Value expert, Value firstRow,
                              Value rows) {
  Value count = k.ceilDiv(rows, table.tokens);
  k.loop(0, count, 1, [&](Value tile) {
    Value start = k.mul(tile, table.tokens);
    Value place = k.add(k.add(firstTile, tile), TileTable::headerRows);
    k.store(expert, memory, place, TileTable::expert);
    k.store(k.add(firstRow, start), memory, place, TileTable::firstRow);
    k.store(k.min(k.sub(rows, start), table.tokens), memory, place,
            TileTable::rows);
    k.store(count, memory, place, TileTable::expertTiles);
  });
}

/// Cuts the rows between offsets into tiles. One warp does it, 32 experts at a
/// time.
void GroupEmitter::writeTables() {
  SmallVector<Value> sums(tables.size(), k.i32(0));
  sums = k.loopCarried(
      0, experts, warpSize, sums,
      [&](Value start, ValueRange carried) -> SmallVector<Value> {
        Value expert = k.add(start, k.lane());
        Value known = k.less(expert, experts);
        Value own = k.min(expert, experts - 1);
        Value firstRow = k.load(offsets, 0, own);
        Value rows = k.select(
            known, k.sub(k.load(offsets, 0, k.add(own, 1)), firstRow), 0);
        SmallVector<Value> next;
        for (auto [entry, before] : llvm::zip(tables, carried)) {
          auto &[table, memory] = entry;
          auto [tilesBefore, all] = prefixSum(k.ceilDiv(rows, table.tokens));
          writeTiles(table, memory, k.add(before, tilesBefore), expert,
                     firstRow, rows);
          next.push_back(k.add(before, all));
        }
        return next;
      });
  k.when(k.equal(k.lane(), 0), [&] {
    for (auto [entry, tiles] : llvm::zip(tables, sums))
      k.store(tiles, entry.second, 0, TileTable::tiles);
  });
}

//===----------------------------------------------------------------------===//
// One block
//===----------------------------------------------------------------------===//

/// Turns the warps' counts into the place of each warp's first slot of each
/// expert; writes offsets. One warp does it, 32 experts at a time.
void GroupEmitter::scan(const Memory &counters, int64_t warps) {
  Value end = k.loopCarried(
      0, experts, warpSize, k.i32(0),
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
        k.when(known, [&] {
          k.store(firstRow, offsets, 0, expert);
          k.loopCarried(0, warps, 1, firstRow,
                        [&](Value warp, ValueRange place) {
                          Value here = k.load(counters, warp, expert);
                          k.store(place[0], counters, warp, expert);
                          return SmallVector<Value>{k.add(place[0], here)};
                        });
        });
        return {k.add(carried[0], all)};
      })[0];
  k.when(k.equal(k.lane(), 0), [&] { k.store(end, offsets, 0, experts); });
  k.syncWarp();
}

void GroupEmitter::emitSort() {
  // The block may have more.
  int64_t warps = std::clamp<int64_t>(commonSharedBytes / (4 * experts), 1,
                                      k.threads / warpSize);
  Memory counters = k.allocateShared(k.b.getI32Type(), warps, experts);
  k.loop(k.thread(), warps * experts, k.threads,
         [&](Value i) { k.store(k.i32(0), counters, 0, i); });
  k.syncBlock();
  auto forOwnSlots = [&](function_ref<void(Value, Value)> body) {
    forSlots(warps, {}, [&](Value slot, Value expert, ValueRange) {
      body(slot, expert);
      return SmallVector<Value>();
    });
  };
  forOwnSlots([&](Value, Value expert) {
    k.when(k.less(expert, experts), [&] {
      k.addInBlock(k.address(counters, k.warp(), expert), k.i32(1));
    });
  });
  k.syncBlock();
  k.when(k.equal(k.warp(), 0), [&] {
    scan(counters, warps);
    writeTables();
  });
  k.syncBlock();
  forOwnSlots([&](Value slot, Value expert) {
    Value known = k.less(expert, experts), peers = lanesWith(expert);
    Value rank = rankAmong(peers);
    k.when(known, [&] {
      k.store(slot, slots, k.add(k.load(counters, k.warp(), expert), rank), 0);
    });
    k.syncWarp();
    // The first of the lanes with one expert counts for them all.
    k.when(k.both(known, k.equal(rank, 0)), [&] {
      Value next = k.add(k.load(counters, k.warp(), expert), count(peers));
      k.store(next, counters, k.warp(), expert);
    });
    k.syncWarp();
  });
}

//===----------------------------------------------------------------------===//
// A block for each expert
//===----------------------------------------------------------------------===//

void GroupEmitter::emitExpert() {
  int64_t warps = k.threads / warpSize;
  Value expert = k.block();
  auto one = [&](Value condition) { return k.select(condition, k.i32(1), 0); };
  // Of this warp's slots, those of the expert and those of experts before it.
  SmallVector<Value> counts =
      forSlots(warps, {k.i32(0), k.i32(0)},
               [&](Value, Value of, ValueRange carried) -> SmallVector<Value> {
                 return {k.add(carried[0], one(k.equal(of, expert))),
                         k.add(carried[1], one(k.less(of, expert)))};
               });
  Memory ofWarps = k.allocateShared(k.b.getI32Type(), 2, warps);
  for (auto [i, count] : llvm::enumerate(counts)) {
    Value all = sum(count);
    k.when(k.equal(k.lane(), 0), [&] { k.store(all, ofWarps, i, k.warp()); });
  }
  k.syncBlock();
  // Lane i has the counts of warp i.
  auto ofLane = [&](int64_t i) {
    return k.valueWhen(k.less(k.lane(), warps), k.i32(0),
                       [&] { return k.load(ofWarps, i, k.lane()); });
  };
  auto [before, rows] = prefixSum(ofLane(0));
  Value firstRow = sum(ofLane(1));
  Value ownRow = k.add(firstRow, k.shuffle(before, k.warp()));
  forSlots(warps, ownRow,
           [&](Value slot, Value of, ValueRange row) -> SmallVector<Value> {
             Value isOwn = k.equal(of, expert);
             Value lanes = k.ballot(isOwn);
             k.when(isOwn, [&] {
               k.store(slot, slots, k.add(row[0], rankAmong(lanes)), 0);
             });
             return {k.add(row[0], count(lanes))};
           });
  k.when(k.equal(k.thread(), 0), [&] {
    k.store(firstRow, offsets, 0, expert);
    k.when(k.equal(expert, experts - 1),
           [&] { k.store(k.add(firstRow, rows), offsets, 0, experts); });
  });
  l.whenLast(k, l.useCounters(k, 1).pointer, k.i32(experts),
             [&] { k.when(k.equal(k.warp(), 0), [&] { writeTables(); }); });
}

LogicalResult lowerGroup(LayerLowering &l, moe::GroupOp op) {
  Type i32 = IntegerType::get(op.getContext(), 32);
  // Offsets are one row, slots a column.
  l.set(op.getOffsets(),
        l.allocateDense({.fixed = 1}, op.getExperts() + 1, i32));
  Count slots{.perToken = l.get(op.getIds()).cols};
  l.set(op.getSlots(), l.allocateDense(slots, 1, i32));
  SmallVector<TileTable> tables = makeTileTables(l, op);
  // With few tokens, and after what one block did, a launch would cost more.
  bool byOne = l.isFew() || l.hasTokenStages();
  return l.onTokens(
      op.getLoc(), "group",
      [&l, op, tables, byOne](DeviceKernel &k) {
        GroupEmitter emitter(l, op, tables, k);
        byOne ? emitter.emitSort() : emitter.emitExpert();
        return success();
      },
      byOne ? 1 : op.getExperts());
}

} // namespace moec::nvptx

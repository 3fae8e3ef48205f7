//===- ProductLoops.cpp - The loops around the tiles ----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The work is cut into (expert, panel) pairs. Where results are rows of their
// own, every thread gets one contiguous run of pairs, weighted by the expert's
// rows; where results are added into tokens, every thread owns a run of
// columns, so that nothing is written by two threads and the order of additions
// does not depend on how many there are.
//
// A thread's pairs follow each other, across experts too, and each asks for the
// next one's panel while it works, if the range of its rows says so.
//
//===----------------------------------------------------------------------===//

#include "ProductLoops.h"
#include "ExpertRows.h"
#include "ProductRanges.h"

namespace moec::cpu {

namespace {

/// What reading a panel costs, in rows: a pair's cost is this and its rows.
constexpr int64_t panelRows = 8;

/// The least that a thread comes for a second time: so much that it does not
/// matter that its first panel is read from its beginning.
constexpr int64_t leastCost = 256;

/// The most rows between two chunks of K: their accumulators stay in a cache
/// beside the panels, and memory for them does not grow with the batch.
constexpr int64_t blockRows = 256;

class ProductEmitter {
public:
  ProductEmitter(KernelEmitter &e, const PackedProduct &product,
                 const ProductOperands &operands, const ProductRanges &ranges,
                 const std::string &name)
      : e(e), product(product), shape(product.shape), operands(operands),
        ranges(ranges), tiles(e, shape, name),
        experts(e, cast<MemRefType>(product.panels.getType()).getDimSize(0),
                operands.offsets, operands.rows.rows) {
    if (ranges.decodedSteps()) {
      decode.emplace(e, shape, name);
      TileShape reading = shape;
      reading.decoded = true;
      tilesOfDecoded.emplace(e, reading, name + "_decoded");
    }
  }

  void emit() {
    e.beginStage(Split::Other, product.stage);
    if (shape.chunked)
      partials = e.allocateDense({.perThread = blockRows}, shape.tile.getCols(),
                                 e.b.getF32Type());
    if (decode)
      decoded = e.allocateDense({.perThread = decodedRows()},
                                shape.tile.getLanes(), e.b.getF32Type());
    if (shape.combines)
      emitCombining();
    else
      emitRows();
  }

private:
  /// A pair of an expert and a panel, and the address of the panel after it.
  struct Pair {
    Value expert, panel, next;
  };

  /// What the panels of an expert with `rows` rows cost, each.
  Value panelCost(Value rows) { return e.add(rows, e.index(panelRows)); }

  /// Results are rows of their own: runs of (expert, panel) pairs.
  void emitRows() {
    Value panels = e.index(shape.panels());
    Value total = experts.forActive(
        e.index(0), [&](Value expert, Value, Value sum) -> Value {
          return e.add(sum, e.mul(panelCost(experts[expert].second), panels));
        });
    e.forRuns(total, leastCost,
              [&](Value from, Value to) { emitRun(from, to, panels); });
  }

  /// The (expert, panel) pairs that begin inside [from, to) if they follow each
  /// other as long as they cost.
  void emitRun(Value from, Value to, Value panels) {
    auto firstPanel = [&](Value limit, Value start, Value cost) -> Value {
      Value distance = e.sub(arith::MaxSIOp::create(e.b, limit, start), start);
      Value panel = e.div(e.add(distance, e.sub(cost, e.index(1))), cost);
      return arith::MinSIOp::create(e.b, panel, panels);
    };
    experts.forActive(e.index(0), [&](Value expert, Value next, Value start) {
      Value cost = panelCost(experts[expert].second);
      Value end = e.add(start, e.mul(cost, panels));
      Value following =
          arith::SelectOp::create(e.b, e.less(end, to), next, experts.count());
      emitPanels(expert, firstPanel(from, start, cost),
                 firstPanel(to, start, cost), following, e.index(0));
      return end;
    });
  }

  /// Results are added into tokens: every thread owns columns.
  void emitCombining() {
    auto [from, to] = e.share(e.index(shape.panels()));
    emitBase(from, to);
    experts.forActive(e.index(0), [&, from = from, to = to](
                                      Value expert, Value next, Value carried) {
      emitPanels(expert, from, to, next, from);
      return carried;
    });
  }

  /// What the columns of panels [from, to) are added onto.
  void emitBase(Value from, Value to) {
    Value firstCol = e.mul(from, e.index(shape.resultCols()));
    Value endCol = e.mul(to, e.index(shape.resultCols()));
    e.loop(e.index(0), operands.destination.rows, [&](Value row) {
      e.loop(firstCol, endCol, e.index(e.lanes), [&](Value col) {
        SmallVector<Value, 2> position{row, col};
        Value base = e.splat(e.f32(0.0), e.lanes);
        if (operands.onto)
          base = vector::LoadOp::create(e.b, e.f32Vector(),
                                        operands.onto->memref, position);
        vector::StoreOp::create(e.b, base, operands.destination.memref,
                                position);
      });
    });
  }

  /// Panels [from, to) of an expert. What comes after them is panel `nextPanel`
  /// of expert `nextExpert`, or nothing if that is the number of experts.
  void emitPanels(Value expert, Value from, Value to, Value nextExpert,
                  Value nextPanel) {
    auto [first, count] = experts[expert];
    Value isEnd = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq,
                                        nextExpert, experts.count());
    e.loop(from, to, [&, first = first, count = count](Value panel) {
      Value following = e.add(panel, e.index(1));
      Value own = product.address(e, expert, panel);
      // At the very end there is nothing to ask for but what is there already.
      Value next = arith::SelectOp::create(
          e.b, e.less(following, to), product.address(e, expert, following),
          arith::SelectOp::create(e.b, isEnd, own,
                                  product.address(e, nextExpert, nextPanel)));
      Pair pair{expert, panel, next};
      if (shape.chunked)
        emitChunks(pair, first, count);
      else
        emitTiles(pair, first, count, count, nullptr);
    });
  }

  /// The rows of one pair, K in chunks.
  void emitChunks(const Pair &pair, Value first, Value count) {
    Value steps = e.index(shape.steps());
    Value wanted = ranges.chunk(e, count);
    Value whole = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, wanted,
                                        e.index(0));
    Value chunk = arith::SelectOp::create(e.b, whole, steps, wanted);
    forEvenRuns(e, count, blockRows, [&](const Run &block) {
      e.loop(e.index(0), steps, chunk, [&](Value from) {
        Value to = arith::MinSIOp::create(e.b, e.add(from, chunk), steps);
        Chunk range{from, to};
        Pair within = pair;
        Value inside = product.address(e, pair.expert, pair.panel, to);
        within.next =
            arith::SelectOp::create(e.b, e.less(to, steps), inside, pair.next);
        emitTiles(within, e.add(first, block.first), block.length, count,
                  &range);
      });
    });
  }

  /// Steps of K.
  struct Chunk {
    Value from, to;
  };

  /// `count` of the `expertRows` rows of one pair; all of K, or one chunk. The
  /// panel is decoded first if the range says so.
  void emitTiles(const Pair &pair, Value first, Value count, Value expertRows,
                 const Chunk *chunk) {
    Value ahead = ranges.ahead(e, expertRows);
    if (!decode)
      return emitTiles(tiles, pair, first, count, ahead, chunk);
    Value decodes = ranges.decode(e, expertRows);
    e.when(e.less(decodes, e.index(1)),
           [&] { emitTiles(tiles, pair, first, count, ahead, chunk); });
    e.when(e.less(e.index(0), decodes), [&] {
      decode->call(e, product.panel(e, pair.expert, pair.panel),
                   chunk ? chunk->from : e.index(0),
                   chunk ? chunk->to : e.index(shape.steps()), decoded.memref,
                   firstDecoded());
      emitTiles(*tilesOfDecoded, pair, first, count, ahead, chunk);
    });
  }

  /// Rows of `decoded` for one thread, and the first of this one.
  int64_t decodedRows() const {
    return ranges.decodedSteps() * shape.vectors();
  }
  Value firstDecoded() { return e.mul(e.thread, e.index(decodedRows())); }

  /// The same by these functions. With `ahead` 1 the next panel's lines are
  /// spread over all tiles.
  void emitTiles(const TileFunctions &functions, const Pair &pair, Value first,
                 Value count, Value ahead, const Chunk *chunk) {
    Value memory = product.panel(e, pair.expert, pair.panel);
    Value firstCol = e.mul(pair.panel, e.index(shape.resultCols()));
    int64_t most = shape.tile.getRows();
    Value all = e.index(shape.iterationLines());
    Value iterations =
        e.div(chunk ? e.sub(chunk->to, chunk->from) : e.index(shape.steps()),
              e.index(shape.tile.getUnroll()));
    forEvenRuns(e, count, most, [&](const Run &run) {
      // Rounded up, so the last runs may have nothing left to ask for.
      Value share = e.div(e.add(all, e.sub(run.runs, e.index(1))), run.runs);
      Value before = e.mul(run.number, share);
      Value lines = arith::SelectOp::create(e.b, e.less(before, all),
                                            e.mul(share, ahead), e.index(0));
      Value skipped = e.mul(e.mul(before, iterations), e.index(lineBytes));
      Value start = e.add(first, run.first);
      switchRows(e, run.length, most, [&](int64_t rows) {
        TileArguments a;
        a.rows = operands.rows.memref;
        a.panel = memory;
        a.firstCol = firstCol;
        a.expert = pair.expert;
        for (const Buffer &column : product.columns)
          a.columns.push_back(column.memref);
        a.destination = operands.destination.memref;
        for (int64_t r = 0; r < rows; ++r)
          addRow(a, e.add(start, e.index(r)));
        a.ahead = e.add(pair.next, skipped);
        a.aheadLines = lines;
        if (chunk) {
          a.from = chunk->from;
          a.to = chunk->to;
          a.partials = partials.memref;
          a.firstPartial =
              e.add(e.mul(e.thread, e.index(blockRows)), run.first);
        }
        if (&functions != &tiles) {
          a.decoded = decoded.memref;
          a.firstDecoded = firstDecoded();
        }
        functions.call(e, a);
      });
    });
  }

  /// Adds what belongs to sorted row `row` to a tile's arguments.
  void addRow(TileArguments &a, Value row) {
    auto slotOf = [&](const Buffer &slots) {
      return e.toIndex(memref::LoadOp::create(e.b, slots.memref,
                                              ValueRange{e.index(0), row}));
    };
    // A matrix of one row per slot, read flat.
    auto atSlot = [&](const Buffer &matrix, Value slot) -> Value {
      Value choices = e.index(operands.choices);
      Value token = e.div(slot, choices);
      Value choice = arith::RemUIOp::create(e.b, slot, choices);
      return memref::LoadOp::create(e.b, matrix.memref,
                                    ValueRange{token, choice});
    };
    Value source = row, destination = row;
    if (operands.gather) {
      Value slot = slotOf(*operands.gather);
      source = e.div(slot, e.index(operands.choices));
      if (operands.scale)
        a.scales.push_back(atSlot(*operands.scale, slot));
    }
    if (operands.combineSlots) {
      Value slot = slotOf(*operands.combineSlots);
      destination = e.div(slot, e.index(operands.choices));
      a.combineWeights.push_back(atSlot(*operands.combineWeights, slot));
    }
    a.rowNumbers.push_back(source);
    a.destinationRows.push_back(destination);
  }

  KernelEmitter &e;
  const PackedProduct &product;
  const TileShape &shape;
  const ProductOperands &operands;
  const ProductRanges &ranges;
  TileFunctions tiles;
  ExpertRows experts;
  Buffer partials;
  /// Where a range decodes panels first.
  std::optional<DecodeFunction> decode;
  std::optional<TileFunctions> tilesOfDecoded;
  Buffer decoded;
};

} // namespace

LogicalResult emitProduct(KernelLowering &k, Operation *op,
                          PackedProduct product,
                          const ProductOperands &operands, ArrayAttr ranges,
                          StringRef name) {
  FailureOr<ProductRanges> checked =
      ProductRanges::read(op, ranges, product.shape);
  if (failed(checked))
    return failure();
  product.shape.chunked = checked->isChunked();
  ProductEmitter(k.e, product, operands, *checked, k.uniqueName(name)).emit();
  return success();
}

} // namespace moec::cpu

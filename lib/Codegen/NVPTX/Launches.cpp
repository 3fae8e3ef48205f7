//===- Launches.cpp - Stages that share a launch --------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A launch begins a block for each row, or for each tile of products. In calls
// of few tokens, where a launch costs more than what it does, the block that
// comes last goes on with what needs all of them: after rows, with grouping;
// after the tiles that have a run of columns, with the sums of these columns.
// Which block that is changes nothing, for it does the whole of it.
//
//===----------------------------------------------------------------------===//

#include "ProductTile.h"
#include "moec/Codegen/NVPTX/Attributes.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

#include <numeric>

namespace moec::nvptx {

/// Threads of a block with a row for each warp, and of one that has all tokens.
static constexpr int64_t rowsThreads = 512, tokenThreads = 1024;

void RowPart::forColumns(DeviceKernel &k, int64_t end,
                         function_ref<void(Value)> body) const {
  if (step)
    return k.loop(first, end, step, body);
  k.when(k.less(first, end), [&] { body(first); });
}

int64_t RowPart::runBelow(int64_t end) const {
  constexpr int64_t longest = 8;
  return step ? std::gcd(end, longest) : 1;
}

void RowPart::forRuns(DeviceKernel &k, int64_t end,
                      function_ref<void(Value, int64_t)> body) const {
  int64_t run = runBelow(end);
  if (run == 1)
    return forColumns(k, end, [&](Value column) { body(column, 1); });
  k.loop(k.mul(first, run), end, step * run,
         [&](Value column) { body(column, run); });
}

void RowPart::mapRuns(DeviceKernel &k, int64_t end,
                      function_ref<SmallVector<Value>(Value, int64_t)> read,
                      function_ref<void(ValueRange, Value)> write) const {
  constexpr int64_t mostAtOnce = 4;
  int64_t run = runBelow(end), stride = run * step;
  if (!step || end % stride != 0)
    return forRuns(k, end, [&](Value column, int64_t count) {
      write(read(column, count), column);
    });
  int64_t atOnce = std::gcd(end / stride, mostAtOnce);
  k.loop(k.mul(first, run), end, stride * atOnce, [&](Value begin) {
    SmallVector<Value> columns;
    SmallVector<SmallVector<Value>> runs;
    for (int64_t i = 0; i < atOnce; ++i) {
      columns.push_back(k.add(begin, i * stride));
      runs.push_back(read(columns[i], run));
    }
    for (auto [column, values] : llvm::zip(columns, runs))
      write(values, column);
  });
}

void RowPart::copy(DeviceKernel &k, int64_t end, const Memory &from,
                   const Memory &to, Value toRow) const {
  k.forTypes(from, [&](const Memory &known) {
    mapRuns(
        k, end,
        [&](Value col, int64_t count) {
          return k.loadRun(known, row, col, count);
        },
        [&](ValueRange values, Value col) {
          k.storeRun(values, to, toRow, col);
        });
  });
}

void RowPart::onWarp(DeviceKernel &k, function_ref<void()> body) const {
  if (warps == 1)
    return body();
  k.when(k.equal(warp, 0), body);
}

moe::GpuTileAttr LayerLowering::tile(Attribute strategy) const {
  if (auto tiles = dyn_cast_if_present<DictionaryAttr>(strategy)) {
    bool isSome = calls == Calls::Some && tiles.contains(someTilesName);
    strategy = tiles.get(isFew()  ? fewTilesName
                         : isSome ? someTilesName
                                  : manyTilesName);
  }
  return dyn_cast_if_present<moe::GpuTileAttr>(strategy);
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

/// A row for each token.
static bool isTokens(const RowDomain &domain) {
  return domain == RowDomain{{.perToken = 1}};
}

/// Whether the last tile of some columns can go on with these columns of rows
/// of `width` elements, a thread for each.
bool LayerLowering::canFollow(RowDomain domain, int64_t width) const {
  if (!isFew() || when != moe::When::Always || !isTokens(domain))
    return false;
  return llvm::all_of(pending.products, [&](const auto &product) {
    return product->n == width &&
           product->blockThreads() % product->features() == 0 &&
           product->features() == pending.products[0]->features() &&
           product->blockThreads() == pending.products[0]->blockThreads();
  });
}

LogicalResult LayerLowering::onRows(Location loc, StringRef name,
                                    RowDomain domain, RowWork work,
                                    int64_t width, RowPrelude prelude) {
  bool joins = pending.tokens.empty() &&
               (pending.products.empty()
                    ? pending.rows.empty() || pending.domain == domain
                    : canFollow(domain, width));
  if (!joins && failed(flush()))
    return failure();
  pending.domain = domain;
  pending.rows.push_back(
      {loc, name, when, std::move(work), width, std::move(prelude)});
  return success();
}

LogicalResult LayerLowering::onTokens(Location loc, StringRef name,
                                      TokenWork work, int64_t blocks) {
  bool byOne =
      blocks == 1 && llvm::all_of(pending.tokens, [](const auto &stage) {
        return stage.blocks == 1;
      });
  bool joins =
      pending.products.empty() && (pending.tokens.empty() || byOne) &&
      (pending.rows.empty() || (byOne && isFew() && isTokens(pending.domain)));
  if (!joins && failed(flush()))
    return failure();
  pending.tokens.push_back({loc, name, when, std::move(work), blocks});
  return success();
}

LogicalResult LayerLowering::onTiles(std::shared_ptr<const Product> product) {
  if ((!pending.rows.empty() || !pending.tokens.empty()) && failed(flush()))
    return failure();
  pending.products.push_back(std::move(product));
  return success();
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

Memory LayerLowering::useCounters(DeviceKernel &k, int64_t count) {
  Type i32 = k.b.getI32Type();
  if (!counters)
    counters = allocateDense({.fixed = 1}, 1, i32).memory;
  // Zero before each launch, so that all can have the same.
  mostCounters = std::max(mostCounters, count);
  return {k.parameter(*counters), i32, k.i64(count)};
}

int64_t LayerLowering::mostFewRows(Count rows) const {
  auto below = kernel->getAttrOfType<IntegerAttr>(fewBelowName);
  return rows.perToken * (below.getInt() - 1) + rows.fixed;
}

void LayerLowering::whenLast(DeviceKernel &k, Value counter, Value blocks,
                             function_ref<void()> body) {
  Memory blocksLeft = k.allocateShared(k.b.getI32Type(), 1, 1);
  // What this block wrote is there for all before it counts.
  k.fence();
  k.syncBlock();
  k.when(k.equal(k.thread(), 0), [&] {
    Value before = k.countUpTo(counter, k.sub(blocks, 1));
    k.store(k.sub(k.sub(blocks, 1), before), blocksLeft, 0, 0);
  });
  k.syncBlock();
  k.when(k.equal(k.load(blocksLeft, 0, 0), 0), [&] {
    k.fence();
    body();
  });
}

/// The names of stages, each once.
template <typename Stages>
static void collectNames(const Stages &stages,
                         llvm::SetVector<StringRef> &names) {
  for (const auto &stage : stages)
    names.insert(stage.name);
}

/// The stages of one launch: of rows, then of all tokens.
struct LayerLowering::StageEmitter {
  DeviceKernel &k;
  ArrayRef<RowStage> rows;
  ArrayRef<TokenStage> tokens;
  Value rowCount;
  LogicalResult result = success();
  /// Whether anything was written that a stage may read.
  bool begun = false;

  void stage(Location loc, function_ref<LogicalResult()> emit) {
    k.b.setLoc(loc);
    if (std::exchange(begun, true))
      k.syncBlock();
    if (succeeded(result))
      result = emit();
  }

  /// What blocks do a share of each; says how many there are.
  int64_t shares() const {
    int64_t most = 1;
    for (const RowStage &row : rows)
      most = std::max(most, row.prelude.shares);
    return most;
  }
  void emitShare(Value ofRow, Value share) {
    for (const RowStage &row : rows)
      if (row.prelude.emit)
        stage(row.loc, [&] { return row.prelude.emit(k, ofRow, share); });
  }

  /// All stages of rows; with one share, what comes before them too.
  void emitRows(Value firstRow, const RowPart &part, bool shared) {
    for (const RowStage &row : rows) {
      if (!shared && row.prelude.emit)
        stage(row.loc, [&] { return row.prelude.emit(k, firstRow, k.i32(0)); });
      stage(row.loc, [&] {
        LogicalResult done = success();
        auto work = [&] { done = row.work(k, part); };
        if (part.warps == 1)
          k.when(k.less(part.row, rowCount), work);
        else
          work();
        return done;
      });
    }
  }
  void emitTokens() {
    begun = false;
    for (const TokenStage &token : tokens)
      stage(token.loc, [&] { return token.work(k); });
  }
};

LogicalResult LayerLowering::launchStages(const Pending &stages,
                                          moe::When calls) {
  auto happens = [&](const auto &stage) {
    return stage.when == moe::When::Always || stage.when == calls;
  };
  auto rows = llvm::to_vector(llvm::make_filter_range(stages.rows, happens));
  auto tokens =
      llvm::to_vector(llvm::make_filter_range(stages.tokens, happens));
  if (rows.empty() && tokens.empty())
    return success();
  bool onRows = !stages.rows.empty();
  llvm::SetVector<StringRef> names;
  collectNames(rows, names);
  collectNames(tokens, names);
  Location loc = rows.empty() ? tokens[0].loc : rows[0].loc;
  // A block's tile of rows is one for each warp.
  bool byTile = !isFew() && llvm::any_of(rows, [](const RowStage &stage) {
    return stage.prelude.emit != nullptr;
  });
  DeviceKernel k = begin(loc, llvm::join(names, "_"),
                         !onRows  ? tokenThreads
                         : byTile ? rowsThreads
                                  : rowThreads);
  int64_t warps = k.threads / warpSize;
  Grid grid{.rows = {.fixed = 1}};
  StageEmitter emitter{k, rows, tokens, Value()};
  if (onRows)
    grid.rows = stages.domain.rows;
  if (!onRows) {
    grid.rows.fixed = tokens[0].blocks;
    emitter.emitTokens();
  } else if (byTile) {
    grid.perBlock = warps;
    emitter.rowCount = count(k, grid.rows);
    Value firstRow = k.mul(k.block(), warps);
    emitter.emitRows(firstRow,
                     {k.add(firstRow, k.div(k.thread(), warpSize)), k.lane(),
                      warpSize, k.i32(0), /*warps=*/1},
                     /*shared=*/false);
  } else {
    grid.columns = emitter.shares();
    RowPart part{k.block(), k.thread(), k.threads, k.warp(), warps};
    auto emitRows = [&] {
      emitter.emitRows(part.row, part, /*shared=*/grid.columns > 1);
      if (!tokens.empty())
        whenLast(k, useCounters(k, 1).pointer, count(k, grid.rows),
                 [&] { emitter.emitTokens(); });
    };
    if (grid.columns > 1) {
      emitter.emitShare(part.row, k.blockColumn());
      Memory counters = useCounters(k, 1 + mostFewRows(grid.rows));
      whenLast(k, k.address(counters, 0, k.add(part.row, 1)),
               k.i32(grid.columns), emitRows);
    } else {
      emitRows();
    }
  }
  if (failed(emitter.result))
    return failure();
  when = calls;
  launch(k, grid);
  when = moe::When::Always;
  return success();
}

LogicalResult LayerLowering::flush() {
  Pending stages = std::exchange(pending, {});
  auto depends = [](const auto &stage) {
    return stage.when != moe::When::Always;
  };
  moe::When outer = std::exchange(when, moe::When::Always);
  LogicalResult result = success();
  if (!stages.products.empty()) {
    result = launchProducts(stages.products, stages.rows);
  } else if (llvm::any_of(stages.rows, depends) ||
             llvm::any_of(stages.tokens, depends)) {
    result = failure(failed(launchStages(stages, moe::When::Routed)) ||
                     failed(launchStages(stages, moe::When::Given)));
  } else {
    result = launchStages(stages, moe::When::Always);
  }
  when = outer;
  return result;
}

} // namespace moec::nvptx

//===- TokenOps.cpp - Operations on rows of tokens ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.dispatch, moe.combine and moe.identity_experts, row by row.
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"

namespace moec::nvptx {

/// The grouping that made the slots an operation reads.
static FailureOr<moe::GroupOp> groupOf(Operation *op, Value slots) {
  auto group = slots.getDefiningOp<moe::GroupOp>();
  if (!group)
    return op->emitOpError("reads slots that are not a moe.group's");
  return group;
}

/// Adds a stage for each sorted row in use; `work` gets the row and its slot.
static LogicalResult
onSortedRows(LayerLowering &l, moe::GroupOp group, Location loc, StringRef name,
             std::function<void(DeviceKernel &, const RowPart &, Value)> work) {
  return l.onRows(
      loc, name, {tensorRows(group.getSlots()), /*sorted=*/true},
      [&l, group, work](DeviceKernel &k, const RowPart &part) mutable {
        Memory slots = l.use(k, group.getSlots()),
               offsets = l.use(k, group.getOffsets());
        int64_t experts = group.getExperts();
        k.when(k.less(part.row, k.load(offsets, 0, experts)),
               [&] { work(k, part, k.load(slots, part.row, 0)); });
        return success();
      });
}

/// Copies row `token` of `source` times `factor`, which may be null. Codes of
/// encoded rows stay, what is multiplied is their scale.
static void copyRow(LayerLowering &l, DeviceKernel &k, const RowPart &part,
                    const Buffer &source, Value token, Value factor,
                    const Buffer &result) {
  auto times = [&](Value number) -> Value {
    return factor ? arith::MulFOp::create(k.b, number, factor) : number;
  };
  if (result.scales)
    part.forColumns(k, /*end=*/1, [&](Value col) {
      k.store(times(k.load(l.useScales(k, source), token, col)),
              l.useScales(k, result), part.row, col);
    });
  Memory to = l.use(k, result);
  k.forTypes(l.use(k, source), [&](const Memory &from) {
    part.mapRuns(
        k, result.stride,
        [&](Value col, int64_t count) {
          auto run = k.loadRunF32(from, token, col, count);
          if (!result.scales)
            llvm::transform(run, run.begin(), times);
          return run;
        },
        [&](ValueRange run, Value col) {
          k.storeRunF32(run, to, part.row, col);
        });
  });
}

LogicalResult lowerDispatch(LayerLowering &l, moe::DispatchOp op) {
  FailureOr<moe::GroupOp> group = groupOf(op, op.getSlots());
  if (failed(group))
    return failure();
  Buffer source = l.get(op.getX()), result = l.allocateResult(op.getRows());
  return onSortedRows(
      l, *group, op.getLoc(), "dispatch",
      [&l, op, source, result](DeviceKernel &k, const RowPart &part,
                               Value slot) mutable {
        int64_t choices = op.getTopK();
        Value token = k.div(slot, choices), factor;
        if (op.getScale())
          factor = k.load(l.use(k, op.getScale()), token, k.rem(slot, choices));
        copyRow(l, k, part, source, token, factor, result);
      });
}

namespace {

/// One of a token's experts: its slot, its weight, and whether there is one.
struct Choice {
  Value slot, factor, counts;
};

} // namespace

/// Choices of a token that a thread has in registers.
static constexpr int64_t mostKnownChoices = 16;

LogicalResult emitCombine(LayerLowering &l, Operation *op, Buffer rows,
                          Value weights, Value slots, Value onto,
                          Value result) {
  FailureOr<moe::GroupOp> group = groupOf(op, slots);
  if (failed(group))
    return failure();
  if (!getElementTypeOrSelf(result.getType()).isF32())
    return op->emitOpError("combines into ")
           << getElementTypeOrSelf(result.getType())
           << "; the NVPTX back end combines into f32";
  Buffer sums = l.allocateResult(result);
  int64_t choices = l.get(weights).cols, experts = group->getExperts();
  Value ids = group->getIds();
  return l.onRows(
      op->getLoc(), "combine", {sums.rows},
      [=, &l](DeviceKernel &k, const RowPart &part) {
        Memory from = l.use(k, rows), factors = l.use(k, weights),
               chosen = l.use(k, ids), to = l.use(k, sums);
        Memory base = onto ? l.use(k, onto) : Memory();
        Value token = part.row;
        auto readChoice = [&](Value choice) -> Choice {
          Value id = k.load(chosen, token, choice);
          return {k.add(k.mul(token, choices), choice),
                  k.load(factors, token, choice),
                  k.compare(arith::CmpIPredicate::ult, id, experts)};
        };
        // Few choices are known before the first column.
        SmallVector<Choice> known;
        if (choices <= mostKnownChoices)
          for (int64_t i = 0; i < choices; ++i)
            known.push_back(readChoice(k.i32(i)));
        part.forRuns(k, sums.stride, [&](Value col, int64_t count) {
          auto add = [&](const Choice &choice, ValueRange carried) {
            SmallVector<Value> next;
            for (auto [sum, x] : llvm::zip(
                     carried, k.loadRunF32(from, choice.slot, col, count))) {
              Value more = math::FmaOp::create(k.b, choice.factor, x, sum);
              next.push_back(k.select(choice.counts, more, sum));
            }
            return next;
          };
          SmallVector<Value> run = onto ? k.loadRunF32(base, token, col, count)
                                        : SmallVector<Value>(count, k.f32(0.0));
          for (const Choice &choice : known)
            run = add(choice, run);
          if (known.empty())
            run = k.loopCarried(0, choices, 1, run,
                                [&](Value choice, ValueRange carried) {
                                  return add(readChoice(choice), carried);
                                });
          k.storeRun(run, to, token, col);
        });
        return success();
      },
      /*width=*/sums.cols);
}

LogicalResult lowerCombine(LayerLowering &l, moe::CombineOp op) {
  FailureOr<moe::GroupOp> group = groupOf(op, op.getSlots());
  if (failed(group))
    return failure();
  // Rows come sorted by expert; adding them up needs them by slot.
  Buffer sorted = l.get(op.getRows());
  Buffer bySlot = l.allocate(sorted.rows, sorted.cols, sorted.element);
  LogicalResult moved = onSortedRows(
      l, *group, op.getLoc(), "scatter",
      [&l, sorted, bySlot](DeviceKernel &k, const RowPart &part, Value slot) {
        Memory from = l.use(k, sorted), to = l.use(k, bySlot);
        part.forColumns(k, bySlot.stride, [&](Value col) {
          k.store(k.load(from, part.row, col), to, slot, col);
        });
      });
  if (failed(moved))
    return failure();
  return emitCombine(l, op, bySlot, op.getWeights(), op.getSlots(), Value(),
                     op.getResult());
}

LogicalResult lowerIdentityExperts(LayerLowering &l,
                                   moe::IdentityExpertsOp op) {
  Buffer result = l.allocateResult(op.getResult());
  return l.onRows(
      op.getLoc(), "identity", {result.rows},
      [&l, op, result](DeviceKernel &k, const RowPart &part) mutable {
        int64_t choices = l.get(op.getIds()).cols;
        Memory x = l.use(k, op.getX()), ids = l.use(k, op.getIds()),
               weights = l.use(k, op.getWeights()), to = l.use(k, result);
        Value token = part.row;
        // The sum of the weights, and whether there is one at all: a token
        // without identity experts gives zero, even if it is infinite.
        SmallVector<Value> sums = k.loopCarried(
            0, choices, 1, {k.f32(0.0), k.truth(false)},
            [&](Value choice, ValueRange carried) -> SmallVector<Value> {
              Value counts = k.compare(arith::CmpIPredicate::sge,
                                       k.load(ids, token, choice),
                                       static_cast<int64_t>(op.getFrom()));
              Value weight =
                  k.select(counts, k.load(weights, token, choice), k.f32(0.0));
              return {arith::AddFOp::create(k.b, carried[0], weight),
                      arith::OrIOp::create(k.b, carried[1], counts)};
            });
        k.forTypes(x, [&](const Memory &from) {
          part.mapRuns(
              k, result.stride,
              [&](Value col, int64_t count) {
                auto run = k.loadRun(from, token, col, count);
                for (Value &number : run) {
                  Value product = arith::MulFOp::create(k.b, number, sums[0]);
                  number = k.select(sums[1], product, k.f32(0.0));
                }
                return run;
              },
              [&](ValueRange run, Value col) {
                k.storeRun(run, to, token, col);
              });
        });
        return success();
      },
      /*width=*/result.cols);
}

} // namespace moec::nvptx

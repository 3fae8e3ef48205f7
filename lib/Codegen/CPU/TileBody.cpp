//===- TileBody.cpp - The code of one tile --------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A few rows times a panel: K in steps, groups of steps where numbers are
// scaled by group, chunks of steps where a panel is long; then the epilogue.
//
//===----------------------------------------------------------------------===//

#include "Tile.h"
#include "VectorBody.h"

#include "llvm/Support/MathExtras.h"

namespace moec::cpu {

namespace {

/// Emits the body of one tile function.
struct TileBody {
  KernelEmitter &e;
  const TileShape &shape;
  const TileArguments &args;
  const int64_t rows, lanes = shape.tile.getLanes(), vectors = shape.vectors();
  const moe::PanelsAttr layout = shape.layout;
  const Arithmetic &arithmetic = *shape.arithmetic;

  /// With Arithmetic::loadsRowsAnew: 0, but LLVM does not know, so that
  /// elements at different multiples of it are different loads.
  Value nothing = {};

  RowOperand row(int64_t r) { return {args.rows, args.rowNumbers[r]}; }

  /// The zeros of a group whose scales begin at `offset`.
  SmallVector<Value> zeros(Value offset) {
    SmallVector<Value> values;
    for (int64_t v = 0; v < vectors; ++v)
      values.push_back(arithmetic.zero(args.panel, offset, v));
    return values;
  }

  /// Vector `v` of the weights of step `number` of K, whose codes begin at
  /// `offset`.
  Value weights(Value number, Value offset, int64_t v, Value zero) {
    if (!shape.decoded)
      return arithmetic.weights(args.panel, offset, v, zero);
    Value step = shape.chunked ? e.sub(number, args.from) : number;
    Value row = e.add(e.add(args.firstDecoded, e.index(v)),
                      e.mul(step, e.index(vectors)));
    return vector::BitCastOp::create(
        e.b, arithmetic.weightsType(),
        vector::LoadOp::create(e.b, f32Vector(), args.decoded,
                               ValueRange{row, e.index(0)}));
  }

  /// Step `number` of K, whose codes begin at `offset`: every row's elements
  /// times every vector.
  void step(Value number, Value offset, ArrayRef<Value> zeros,
            SmallVectorImpl<Value> &accumulators) {
    Value k = e.mul(number, e.index(layout.getDepth()));
    SmallVector<Value> weights;
    for (int64_t v = 0; v < vectors; ++v)
      weights.push_back(this->weights(number, offset, v, zeros[v]));
    for (int64_t r = 0; r < rows; ++r) {
      Value x = arithmetic.row(row(r), k);
      for (int64_t v = 0; v < vectors; ++v) {
        if (v > 0 && nothing)
          x = arithmetic.row(row(r), e.add(k, e.mul(nothing, e.index(v))));
        Value &accumulator = accumulators[r * vectors + v];
        accumulator = arithmetic.multiplyAdd(accumulator, x, weights[v]);
      }
    }
  }

  /// Steps [from, to) of those whose first is step `first` of K and has its
  /// codes at `offset`, all under one scale with `zeros`. Carries the
  /// accumulators and, last, the address of what is to be fetched meanwhile.
  SmallVector<Value> runSteps(Value from, Value to, Value first, Value offset,
                              ArrayRef<Value> zeros, ArrayRef<Value> inits) {
    int64_t unroll = shape.tile.getUnroll();
    Value aheadBytes = e.mul(args.aheadLines, e.index(lineBytes));
    return e.loopCarried(
        from, to, e.index(unroll), inits,
        [&](Value number, ValueRange carried) {
          SmallVector<Value> next(carried);
          Value ahead = next.pop_back_val();
          Value end = e.add(ahead, aheadBytes);
          e.loop(ahead, end, e.index(lineBytes),
                 [&](Value address) { e.prefetch(address); });
          for (int64_t u = 0; u < unroll; ++u) {
            Value at = e.add(number, e.index(u));
            step(e.add(first, at),
                 e.add(offset, e.mul(at, e.index(layout.getStepBytes()))),
                 zeros, next);
          }
          next.push_back(end);
          return next;
        });
  }

  /// Accumulators at the beginning of a group with `zeros`.
  SmallVector<Value> starts(Value group, ArrayRef<Value> zeros) {
    SmallVector<Value> values;
    for (int64_t r = 0; r < rows; ++r)
      for (Value zero : zeros)
        values.push_back(arithmetic.start(row(r), group, zero));
    return values;
  }

  /// The accumulators of a group, whose scales begin at `offset`, scaled; added
  /// to `sums` if there are any.
  SmallVector<Value> scaled(ArrayRef<Value> accumulators, Value offset,
                            ArrayRef<Value> sums = {}) {
    SmallVector<Value> result(accumulators.size());
    for (int64_t v = 0; v < vectors; ++v) {
      Value scale = arithmetic.scale(args.panel, offset, v);
      for (int64_t i = v; i < rows * vectors; i += vectors) {
        Value x = arithmetic.toF32(accumulators[i]);
        result[i] =
            sums.empty()
                ? arith::MulFOp::create(e.b, x, scale).getResult()
                : vector::FMAOp::create(e.b, x, scale, sums[i]).getResult();
      }
    }
    return result;
  }

  /// Adds group `number` to the sums that are carried. Groups are iterations of
  /// a loop, also those of one unit: one after the other, LLVM would scale the
  /// first after it has multiplied the second, and run out of registers.
  SmallVector<Value> addGroup(Value number, ValueRange carried) {
    PanelGroup group(e, shape, number);
    SmallVector<Value> zero = zeros(group.scales), inits = starts(number, zero);
    SmallVector<Value> sums(carried);
    inits.push_back(sums.pop_back_val());
    SmallVector<Value> accumulators = runSteps(
        e.index(0), group.steps, group.first, group.codes, zero, inits);
    Value ahead = accumulators.pop_back_val();
    sums = scaled(accumulators, group.scales, sums);
    sums.push_back(ahead);
    return sums;
  }

  /// What is carried over K: sums of scaled groups, else accumulators.
  SmallVector<Value> accumulate() {
    Value from = shape.chunked ? args.from : e.index(0);
    Value to = shape.chunked ? args.to : e.index(shape.steps());
    SmallVector<Value> carried = initial();
    carried.push_back(args.ahead);
    if (shape.grouped()) {
      Value steps = e.index(layout.getGroupSteps());
      carried = e.loopCarried(e.div(from, steps), e.div(to, steps), e.index(1),
                              carried, [&](Value number, ValueRange carried) {
                                return addGroup(number, carried);
                              });
    } else {
      if (shape.usedSteps() < shape.steps())
        to = arith::MinSIOp::create(e.b, to, e.index(shape.usedSteps()));
      carried = runSteps(from, to, e.index(0), e.index(layout.getCodeOffset(0)),
                         zeros(e.index(layout.getScaleOffset(0))), carried);
    }
    carried.pop_back();
    return carried;
  }

  /// What is carried before the first step.
  SmallVector<Value> initial() {
    SmallVector<Value> begin =
        shape.grouped()
            ? SmallVector<Value>(rows * vectors, e.splat(e.f32(0.0), lanes))
            : starts(e.index(0), zeros(e.index(layout.getScaleOffset(0))));
    if (!shape.chunked)
      return begin;
    Value isFirst = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq,
                                          args.from, e.index(0));
    auto branch = scf::IfOp::create(
        e.b, isFirst,
        [&](OpBuilder &b, Location loc) {
          scf::YieldOp::create(b, loc, begin);
        },
        [&](OpBuilder &b, Location loc) {
          OpBuilder::InsertionGuard guard(e.b);
          e.b.setInsertionPoint(b.getInsertionBlock(), b.getInsertionPoint());
          SmallVector<Value> loaded;
          for (int64_t i = 0; i < rows * vectors; ++i)
            loaded.push_back(vector::BitCastOp::create(
                e.b, cast<VectorType>(begin[i].getType()),
                vector::LoadOp::create(e.b, f32Vector(), args.partials,
                                       partialPosition(i))));
          scf::YieldOp::create(e.b, loaded);
        });
    return llvm::to_vector_of<Value>(branch.getResults());
  }

  VectorType f32Vector() { return e.vector(e.b.getF32Type(), lanes); }

  /// Where value `i` of what is carried waits between two chunks.
  SmallVector<Value, 2> partialPosition(int64_t i) {
    return {e.add(args.firstPartial, e.index(i / vectors)),
            e.index(i % vectors * lanes)};
  }

  void storePartials(ArrayRef<Value> carried) {
    for (auto [i, value] : llvm::enumerate(carried))
      vector::StoreOp::create(
          e.b, vector::BitCastOp::create(e.b, f32Vector(), value),
          args.partials, partialPosition(i));
  }

  /// What all sums of a row are multiplied by, or null.
  Value rowFactor(int64_t r) {
    Value factor = arithmetic.rowScale(row(r));
    if (!shape.scaled)
      return factor;
    return factor ? arith::MulFOp::create(e.b, factor, args.scales[r])
                  : args.scales[r];
  }

  /// The result of vector `v` of row `r`, from the sums of that element.
  Value finish(ArrayRef<Value> sums, int64_t r, int64_t v) {
    int64_t perWeight = vectors / shape.weights();
    Value col = e.add(args.firstCol, e.index(v * lanes));
    Value factor = rowFactor(r);
    SmallVector<Value> elements;
    for (int64_t w = 0; w < shape.weights(); ++w) {
      Value x = sums[r * vectors + w * perWeight + v];
      if (factor)
        x = arith::MulFOp::create(e.b, x, e.splat(factor, lanes));
      elements.push_back(x);
    }
    for (Value column : args.columns)
      elements.push_back(vector::LoadOp::create(e.b, f32Vector(), column,
                                                ValueRange{args.expert, col}));
    if (shape.epilogue)
      return clearBeyondN(
          cloneBodyOnVectors(e, *shape.epilogue, elements, lanes)[0], col);
    Value result = elements[0];
    for (Value column : ArrayRef(elements).drop_front())
      result = arith::AddFOp::create(e.b, result, column);
    return clearBeyondN(result, col);
  }

  /// Zeros in the columns the panel has but the result does not: what reads
  /// the result as the rows of a product relies on them.
  Value clearBeyondN(Value result, Value col) {
    if (shape.n % shape.resultCols() == 0)
      return result;
    Value numbers = arith::AddIOp::create(
        e.b, e.laneNumbers(),
        e.splat(arith::IndexCastOp::create(e.b, e.b.getI32Type(), col), lanes));
    Value inside =
        arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, numbers,
                              e.splat(e.i32(shape.n), lanes));
    return arith::SelectOp::create(e.b, inside, result,
                                   e.splat(e.f32(0.0), lanes));
  }

  Type destinationElement() { return shape.destinationType.getElementType(); }

  void store(Value result, int64_t r, int64_t v) {
    Value col = e.add(args.firstCol, e.index(v * lanes));
    SmallVector<Value, 2> position{args.destinationRows[r], col};
    if (shape.combines) {
      Value sum = vector::LoadOp::create(
          e.b, cast<VectorType>(result.getType()), args.destination, position);
      result = vector::FMAOp::create(
          e.b, e.splat(args.combineWeights[r], lanes), result, sum);
    }
    Type element = destinationElement();
    if (!element.isF32())
      result = arith::TruncFOp::create(e.b, e.vector(element, lanes), result);
    vector::StoreOp::create(e.b, result, args.destination, position);
  }

  /// Zeros behind the columns of the last panel, as far as another product may
  /// read a row at once: narrow panels end before that.
  void clearBehindPanels() {
    constexpr int64_t mostReadAtOnce = 16; // Pairs, in eight steps.
    int64_t begin = shape.panels() * shape.resultCols();
    int64_t end = llvm::alignTo(shape.n, mostReadAtOnce);
    if (begin >= end || shape.combines)
      return;
    VectorType type = e.vector(destinationElement(), lanes);
    Value zeros = arith::ConstantOp::create(e.b, type, e.b.getZeroAttr(type));
    Value isLast =
        arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, args.firstCol,
                              e.index(begin - shape.resultCols()));
    e.when(isLast, [&] {
      for (Value row : args.destinationRows)
        for (int64_t col = begin; col < end; col += lanes)
          vector::StoreOp::create(e.b, zeros, args.destination,
                                  ValueRange{row, e.index(col)});
    });
  }

  /// Asks for the lines that results go to, which takes as long as many steps.
  void prefetchResults() {
    int64_t lineCols = lineBytes / elementBytes(destinationElement());
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t col = 0; col < shape.resultCols(); col += lineCols)
        memref::PrefetchOp::create(
            e.b, args.destination,
            ValueRange{args.destinationRows[r],
                       e.add(args.firstCol, e.index(col))},
            /*isWrite=*/true, /*localityHint=*/3, /*isDataCache=*/true);
  }

  void storeResults(ArrayRef<Value> carried) {
    SmallVector<Value> sums(carried);
    if (!shape.grouped() && layout.getScaleBytes())
      sums = scaled(carried, e.index(layout.getScaleOffset(0)));
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t v = 0; v < vectors / shape.weights(); ++v)
        store(finish(sums, r, v), r, v);
    clearBehindPanels();
  }

  void emit() {
    if (arithmetic.loadsRowsAnew() && !shape.decoded)
      nothing = e.toIndex(
          e.hidden(arith::ConstantIntOp::create(e.b, e.b.getI64Type(), 0)));
    if (!shape.chunked) {
      prefetchResults();
      return storeResults(accumulate());
    }
    Value isLast = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, args.to,
                                         e.index(shape.steps()));
    e.when(isLast, [&] { prefetchResults(); });
    SmallVector<Value> carried = accumulate();
    e.when(isLast, [&] { storeResults(carried); });
    Value isNotLast = e.less(args.to, e.index(shape.steps()));
    e.when(isNotLast, [&] { storePartials(carried); });
  }
};

} // namespace

void emitTileBody(KernelEmitter &e, const TileShape &shape,
                  const TileArguments &arguments, int64_t rows) {
  TileBody{e, shape, arguments, rows}.emit();
}

} // namespace moec::cpu

//===- Tile.cpp - The register tile of a product --------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every tile is a function of its own, so that LLVM allocates registers for
// nothing but the accumulators, one vector of weights and one broadcast row
// element at a time.
//
//===----------------------------------------------------------------------===//

#include "Tile.h"
#include "VectorBody.h"

#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "llvm/Support/MathExtras.h"

namespace moec::cpu {

int64_t TileShape::panels() const { return llvm::divideCeil(n, resultCols()); }

int64_t TileShape::steps() const {
  return llvm::alignTo(llvm::divideCeil(k, tile.getDepth()), tile.getUnroll());
}

int64_t TileShape::panelSize() const {
  return steps() * tile.getCols() * tile.getDepth();
}

int64_t TileShape::stepBytes() const {
  return tile.getCols() * tile.getDepth() * elementBytes(panelElement);
}

int64_t TileShape::iterationLines() const {
  return llvm::divideCeil(tile.getUnroll() * stepBytes(), lineBytes);
}

MemRefType TileShape::partialsType(MLIRContext *context) const {
  return MemRefType::get({ShapedType::kDynamic, tile.getCols()},
                         Float32Type::get(context));
}

MemRefType TileShape::panelType(MLIRContext *context) const {
  int64_t width = tile.getCols() * tile.getDepth();
  return MemRefType::get(
      {steps(), width}, panelElement,
      StridedLayoutAttr::get(context, ShapedType::kDynamic, {width, 1}));
}

/// Reads what a call passes back out of the arguments of a tile function, in
/// the order in which `flatten` put it there.
static TileArguments unflatten(ValueRange values, int64_t rows,
                               const TileShape &shape) {
  auto take = [&](size_t count) {
    SmallVector<Value> taken(values.take_front(count));
    values = values.drop_front(count);
    return taken;
  };
  TileArguments a;
  a.rows = take(1)[0];
  a.rowNumbers = take(rows);
  a.panel = take(1)[0];
  a.firstCol = take(1)[0];
  a.expert = take(1)[0];
  a.columns = take(shape.columnTypes.size());
  a.scales = take(shape.scaled ? rows : 0);
  a.destination = take(1)[0];
  a.destinationRows = take(rows);
  a.combineWeights = take(shape.combines ? rows : 0);
  a.ahead = take(1)[0];
  a.aheadLines = take(1)[0];
  if (shape.chunked) {
    a.from = take(1)[0];
    a.to = take(1)[0];
    a.partials = take(1)[0];
    a.firstPartial = take(1)[0];
  }
  return a;
}

static SmallVector<Value> flatten(const TileArguments &a) {
  SmallVector<Value> values{a.rows};
  llvm::append_range(values, a.rowNumbers);
  values.append({a.panel, a.firstCol, a.expert});
  llvm::append_range(values, a.columns);
  llvm::append_range(values, a.scales);
  values.push_back(a.destination);
  llvm::append_range(values, a.destinationRows);
  llvm::append_range(values, a.combineWeights);
  values.append({a.ahead, a.aheadLines});
  if (a.partials)
    values.append({a.from, a.to, a.partials, a.firstPartial});
  return values;
}

TileFunctions::TileFunctions(KernelEmitter &e, TileShape shape,
                             std::string name)
    : shape(std::move(shape)), name(std::move(name)) {
  for (int64_t rows = 1; rows <= this->shape.tile.getRows(); ++rows)
    functions.push_back(emit(e, rows));
}

void TileFunctions::call(KernelEmitter &e,
                         const TileArguments &arguments) const {
  func::CallOp::create(e.b, functions[arguments.rowNumbers.size() - 1],
                       flatten(arguments));
}

//===----------------------------------------------------------------------===//
// The product
//===----------------------------------------------------------------------===//

namespace {

/// Emits the body of one tile function.
struct TileBody {
  KernelEmitter &e;
  const TileShape &shape;
  const TileArguments &args;
  const int64_t rows, lanes = shape.tile.getLanes(),
                      depth = shape.tile.getDepth(),
                      vectors = shape.tile.getCols() / lanes;

  /// One step of K: every row's element (or pair) times every vector of the
  /// panel.
  void step(Value k, SmallVectorImpl<Value> &accumulators) {
    SmallVector<Value> panel;
    for (int64_t v = 0; v < vectors; ++v)
      panel.push_back(loadPanel(k, v));
    Value element = e.mul(k, e.index(depth));
    for (int64_t r = 0; r < rows; ++r) {
      Value row = broadcastRow(args.rowNumbers[r], element);
      for (int64_t v = 0; v < vectors; ++v) {
        Value &accumulator = accumulators[r * vectors + v];
        accumulator = multiplyAdd(accumulator, row, panel[v]);
      }
    }
  }

  Value loadPanel(Value k, int64_t v) {
    Value packed = vector::LoadOp::create(
        e.b, e.vector(shape.panelElement, lanes * depth), args.panel,
        ValueRange{k, e.index(v * lanes * depth)});
    return depth == 1 ? widen(packed) : packed;
  }

  /// The row's element in every lane; with `depth` 2, its pair of bf16.
  Value broadcastRow(Value row, Value k) {
    if (depth == 1) {
      Value x = memref::LoadOp::create(e.b, args.rows, ValueRange{row, k});
      return e.splat(widen(x), lanes);
    }
    Type bf16 = e.b.getBF16Type();
    Value pair = vector::LoadOp::create(e.b, e.vector(bf16, depth), args.rows,
                                        ValueRange{row, k});
    Value bits =
        vector::BitCastOp::create(e.b, e.vector(e.b.getF32Type(), 1), pair);
    Value scalar = vector::ExtractOp::create(e.b, bits, 0);
    return vector::BitCastOp::create(e.b, e.vector(bf16, lanes * depth),
                                     e.splat(scalar, lanes));
  }

  Value widen(Value x) {
    if (getElementTypeOrSelf(x).isF32())
      return x;
    Type type = e.b.getF32Type();
    if (auto vectorType = dyn_cast<VectorType>(x.getType()))
      type = vectorType.clone(type);
    return arith::ExtFOp::create(e.b, type, x);
  }

  Value multiplyAdd(Value accumulator, Value row, Value panel) {
    if (depth == 1)
      return vector::FMAOp::create(e.b, row, panel, accumulator);
    return x86vector::DotBF16Op::create(e.b, accumulator.getType(), accumulator,
                                        row, panel);
  }

  /// Where the accumulators stand before the first step.
  SmallVector<Value> initialAccumulators() {
    VectorType type = e.f32Vector();
    auto zero = arith::ConstantOp::create(e.b, type,
                                          DenseElementsAttr::get(type, 0.0f));
    SmallVector<Value> zeros(rows * vectors, zero);
    if (!shape.chunked)
      return zeros;
    SmallVector<Type> types(rows * vectors, type);
    Value isFirst = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq,
                                          args.from, e.index(0));
    auto branch = scf::IfOp::create(
        e.b, isFirst,
        [&](OpBuilder &b, Location loc) {
          scf::YieldOp::create(b, loc, zeros);
        },
        [&](OpBuilder &b, Location loc) {
          OpBuilder::InsertionGuard guard(e.b);
          e.b.setInsertionPoint(b.getInsertionBlock(), b.getInsertionPoint());
          SmallVector<Value> loaded;
          for (int64_t i = 0; i < rows * vectors; ++i)
            loaded.push_back(vector::LoadOp::create(e.b, type, args.partials,
                                                    partialPosition(i)));
          scf::YieldOp::create(e.b, loaded);
        });
    return llvm::to_vector_of<Value>(branch.getResults());
  }

  /// Where accumulator `i` waits between two chunks.
  SmallVector<Value, 2> partialPosition(int64_t i) {
    return {e.add(args.firstPartial, e.index(i / vectors)),
            e.index(i % vectors * lanes)};
  }

  SmallVector<Value> accumulate() {
    int64_t unroll = shape.tile.getUnroll();
    Value from = shape.chunked ? args.from : e.index(0);
    Value to = shape.chunked ? args.to : e.index(shape.steps());
    SmallVector<Value> inits = initialAccumulators();
    inits.push_back(args.ahead);
    Value aheadBytes = e.mul(args.aheadLines, e.index(lineBytes));
    SmallVector<Value> sums = e.loopCarried(
        from, to, e.index(unroll), inits, [&](Value k, ValueRange carried) {
          SmallVector<Value> next(carried);
          Value ahead = next.pop_back_val();
          Value end = e.add(ahead, aheadBytes);
          e.loop(ahead, end, e.index(lineBytes),
                 [&](Value address) { e.prefetch(address); });
          for (int64_t u = 0; u < unroll; ++u)
            step(e.add(k, e.index(u)), next);
          next.push_back(end);
          return next;
        });
    sums.pop_back();
    return sums;
  }

  /// The result of vector `v` of row `r`, from the accumulators of that
  /// element.
  Value finish(ArrayRef<Value> accumulators, int64_t r, int64_t v) {
    int64_t perWeight = vectors / shape.weights;
    Value col = e.add(args.firstCol, e.index(v * lanes));
    SmallVector<Value> elements;
    for (int64_t w = 0; w < shape.weights; ++w) {
      Value x = accumulators[r * vectors + w * perWeight + v];
      if (shape.scaled)
        x = arith::MulFOp::create(e.b, x, e.splat(args.scales[r], lanes));
      elements.push_back(x);
    }
    for (Value column : args.columns)
      elements.push_back(
          vector::LoadOp::create(e.b, e.vector(e.b.getF32Type(), lanes), column,
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

  void storeResults(ArrayRef<Value> accumulators) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t v = 0; v < vectors / shape.weights; ++v)
        store(finish(accumulators, r, v), r, v);
  }

  void emit() {
    if (!shape.chunked) {
      prefetchResults();
      return storeResults(accumulate());
    }
    Value isLast = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, args.to,
                                         e.index(shape.steps()));
    e.when(isLast, [&] { prefetchResults(); });
    SmallVector<Value> accumulators = accumulate();
    e.when(isLast, [&] { storeResults(accumulators); });
    Value isNotLast = e.less(args.to, e.index(shape.steps()));
    e.when(isNotLast, [&] {
      for (auto [i, accumulator] : llvm::enumerate(accumulators))
        vector::StoreOp::create(e.b, accumulator, args.partials,
                                partialPosition(i));
    });
  }
};

} // namespace

func::FuncOp TileFunctions::emit(KernelEmitter &e, int64_t rows) {
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPoint(e.entry);
  Type index = e.b.getIndexType();
  SmallVector<Type> types{shape.rowsType};
  types.append(rows, index);
  types.append({shape.panelType(e.b.getContext()), index, index});
  types.append(shape.columnTypes.begin(), shape.columnTypes.end());
  types.append(shape.scaled ? rows : 0, e.b.getF32Type());
  types.push_back(shape.destinationType);
  types.append(rows, index);
  types.append(shape.combines ? rows : 0, e.b.getF32Type());
  types.append({index, index});
  if (shape.chunked)
    types.append({index, index, shape.partialsType(e.b.getContext()), index});
  auto function =
      func::FuncOp::create(e.b, name + "_tile" + std::to_string(rows),
                           e.b.getFunctionType(types, {}));
  function.setPrivate();
  function->setAttr("passthrough", e.b.getStrArrayAttr({"noinline"}));
  function->setAttr("llvm.linkage",
                    LLVM::LinkageAttr::get(e.b.getContext(),
                                           LLVM::linkage::Linkage::Internal));
  Block *block = function.addEntryBlock();
  e.b.setInsertionPointToStart(block);
  TileArguments arguments = unflatten(block->getArguments(), rows, shape);
  TileBody{e, shape, arguments, rows}.emit();
  func::ReturnOp::create(e.b);
  return function;
}

} // namespace moec::cpu

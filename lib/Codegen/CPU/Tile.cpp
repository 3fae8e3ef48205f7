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

#include "llvm/Support/MathExtras.h"

namespace moec::cpu {

int64_t TileShape::panels() const { return llvm::divideCeil(n, resultCols()); }

int64_t TileShape::chunkSteps() const {
  return grouped() ? layout.getUnitSteps() : tile.getUnroll();
}

int64_t TileShape::usedSteps() const {
  int64_t iteration = layout.getDepth() * tile.getUnroll();
  return llvm::alignTo(k, iteration) / layout.getDepth();
}

int64_t TileShape::iterationLines() const {
  int64_t iterations = steps() / tile.getUnroll();
  return llvm::divideCeil(layout.getPanelBytes(), iterations * lineBytes);
}

MemRefType TileShape::partialsType() const {
  return MemRefType::get({ShapedType::kDynamic, tile.getCols()},
                         Float32Type::get(layout.getContext()));
}

MemRefType TileShape::decodedType() const {
  return MemRefType::get({ShapedType::kDynamic, tile.getLanes()},
                         Float32Type::get(layout.getContext()));
}

PanelGroup::PanelGroup(KernelEmitter &e, const TileShape &shape, Value number) {
  moe::PanelsAttr layout = shape.layout;
  Value inUnit = e.index(layout.getUnitGroups());
  Value unit = e.mul(e.div(number, inUnit), e.index(layout.getUnitBytes()));
  Value within = arith::RemUIOp::create(e.b, number, inUnit);
  auto offset = [&](int64_t first, int64_t bytes) {
    return e.add(e.add(unit, e.index(first)), e.mul(within, e.index(bytes)));
  };
  int64_t groupSteps = layout.getGroupSteps();
  first = e.mul(number, e.index(groupSteps));
  steps = e.index(groupSteps);
  // Rows end before panels do, which are padded to whole units.
  if (shape.usedSteps() % layout.getUnitSteps() != 0)
    steps = arith::MinSIOp::create(e.b, steps,
                                   e.sub(e.index(shape.usedSteps()), first));
  scales = offset(layout.getScaleOffset(0), layout.getScaleBytes());
  codes = offset(layout.getCodeOffset(0), groupSteps * layout.getStepBytes());
}

MemRefType TileShape::panelType() const {
  MLIRContext *context = layout.getContext();
  return MemRefType::get(
      {layout.getPanelBytes()}, IntegerType::get(context, 8),
      StridedLayoutAttr::get(context, ShapedType::kDynamic, {1}));
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
  if (shape.decoded) {
    a.decoded = take(1)[0];
    a.firstDecoded = take(1)[0];
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
  if (a.decoded)
    values.append({a.decoded, a.firstDecoded});
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

func::FuncOp beginLocalFunction(KernelEmitter &e, const std::string &name,
                                ArrayRef<Type> types) {
  auto function =
      func::FuncOp::create(e.b, name, e.b.getFunctionType(types, {}));
  function.setPrivate();
  function->setAttr("passthrough", e.b.getStrArrayAttr({"noinline"}));
  function->setAttr("llvm.linkage",
                    LLVM::LinkageAttr::get(e.b.getContext(),
                                           LLVM::linkage::Linkage::Internal));
  e.b.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

func::FuncOp TileFunctions::emit(KernelEmitter &e, int64_t rows) {
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPoint(e.entry);
  Type index = e.b.getIndexType();
  SmallVector<Type> types{shape.rowsType};
  types.append(rows, index);
  types.append({shape.panelType(), index, index});
  types.append(shape.columnTypes.begin(), shape.columnTypes.end());
  types.append(shape.scaled ? rows : 0, e.b.getF32Type());
  types.push_back(shape.destinationType);
  types.append(rows, index);
  types.append(shape.combines ? rows : 0, e.b.getF32Type());
  types.append({index, index});
  if (shape.chunked)
    types.append({index, index, shape.partialsType(), index});
  if (shape.decoded)
    types.append({shape.decodedType(), index});
  func::FuncOp function =
      beginLocalFunction(e, name + "_tile" + std::to_string(rows), types);
  Block *block = &function.getBody().front();
  TileArguments arguments = unflatten(block->getArguments(), rows, shape);
  emitTileBody(e, shape, arguments, rows);
  func::ReturnOp::create(e.b);
  return function;
}

} // namespace moec::cpu

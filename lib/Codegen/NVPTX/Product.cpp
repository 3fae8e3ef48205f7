//===- Product.cpp - Products of rows and packed weights ------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.linear on a matrix of rows and moe.grouped_matmul: packing and rows.
//
//===----------------------------------------------------------------------===//

#include "ProductTile.h"
#include "ScalarBody.h"
#include "TensorCore.h"
#include "TileTable.h"
#include "moec/Codegen/Common/Panels.h"
#include "moec/Dialect/Moe/NumberFormat.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

namespace moec::nvptx {

bool decodesWeights(Type rows, RankedTensorType weights, int64_t numWeights) {
  return MmaAtom::takes(rows) && numWeights <= 2 &&
         moe::NumberFormat::of(weights.getEncoding()).has_value();
}

bool LayerLowering::readsTransposed(Operation *product) const {
  auto reads = [&](Attribute strategy, Value rows, Value weight,
                   int64_t weights) {
    moe::GpuTileAttr tile = this->tile(strategy);
    return tile && tile.getMma() == moe::MmaKind::Wgmma &&
           decodesWeights(storedElement(rows),
                          cast<RankedTensorType>(weight.getType()), weights);
  };
  if (auto linear = dyn_cast<moe::LinearOp>(product))
    return reads(linear.getStrategyAttr(), linear.getX(), linear.getWeight(),
                 1);
  auto grouped = cast<moe::GroupedMatmulOp>(product);
  return reads(grouped.getStrategyAttr(), grouped.getInput(),
               grouped.getWeights()[0], grouped.getWeights().size());
}

/// The products whose rows `tensor` is.
SmallVector<Operation *> LayerLowering::productsOf(Value tensor) const {
  auto reads = [&](Operation *user) {
    if (auto linear = dyn_cast<moe::LinearOp>(user))
      return linear.getX() == tensor && !isRowProduct(linear);
    auto grouped = dyn_cast<moe::GroupedMatmulOp>(user);
    return grouped && grouped.getInput() == tensor;
  };
  return llvm::filter_to_vector(tensor.getUsers(), reads);
}

/// Whether the products that read rows of `tensor` want them transposed: all of
/// them. What else reads them does so element by element.
bool LayerLowering::isTransposed(Value tensor) const {
  SmallVector<Operation *> products = productsOf(tensor);
  return !products.empty() && llvm::all_of(products, [&](Operation *product) {
    return readsTransposed(product);
  });
}

FailureOr<Buffer> LayerLowering::rowsFor(Operation *product, Value tensor) {
  auto ofCallers = copies.find(tensor);
  Buffer rows = ofCallers == copies.end() ? get(tensor) : ofCallers->second;
  if (rows.transposed == readsTransposed(product))
    return rows;
  Buffer copy = rows;
  copy.memory = allocate(rows.rows, rows.cols, rows.element).memory;
  copy.transposed = !rows.transposed;
  if (failed(onRows(product->getLoc(), "transpose", {rows.rows},
                    [this, rows, copy](DeviceKernel &k, const RowPart &part) {
                      part.copy(k, rows.stride, use(k, rows), use(k, copy),
                                part.row);
                      return success();
                    })))
    return failure();
  return copy;
}

LogicalResult checkMmaOperands(const Product &product) {
  Type rows = product.rows.element, weights = product.packed.element;
  if (MmaAtom::takes(weights) && rows == weights)
    return success();
  return product.op->emitOpError("strategy ")
         << product.tile << " takes bf16 or f16, the operands are " << rows
         << " and " << weights;
}

SmallVector<int64_t> halvesOf(int64_t most, int64_t least) {
  SmallVector<int64_t> counts;
  for (int64_t count = most; count >= least && count % least == 0;
       count = count % 2 == 0 ? count / 2 : 0)
    counts.push_back(count);
  return counts;
}

SmallVector<TileTable> makeTileTables(LayerLowering &l, moe::GroupOp op) {
  llvm::SetVector<int64_t> sizes;
  for (Operation *user : op.getOffsets().getUsers())
    if (auto product = dyn_cast<moe::GroupedMatmulOp>(user))
      if (moe::GpuTileAttr tile = l.tile(product.getStrategyAttr()))
        sizes.insert(tokensOfCluster(tile));
  // A tile has at least one row.
  Count rows{.perToken = l.get(op.getIds()).cols,
             .fixed = TileTable::headerRows};
  return llvm::map_to_vector(sizes, [&](int64_t tokens) -> TileTable {
    Buffer buffer = l.allocateDense(rows, TileTable::cols,
                                    IntegerType::get(op.getContext(), 32));
    l.setTileTable(op.getOffsets(), tokens, buffer);
    return {tokens, buffer};
  });
}

//===----------------------------------------------------------------------===//
// Lowering
//===----------------------------------------------------------------------===//

/// Checks the strategy and packs the weights the way every tile reads them.
static LogicalResult pack(LayerLowering &l, Product &product,
                          Attribute strategy, ValueRange weights,
                          ValueRange columns) {
  Operation *op = product.op;
  product.tile = l.tile(strategy);
  if (!product.tile)
    return op->emitOpError("has no #moe.gpu_tile strategy; run "
                           "moe-choose-nvptx-strategy first");
  auto type = cast<RankedTensorType>(weights[0].getType());
  product.weights = weights.size();
  product.experts = type.getRank() == 3 ? type.getDimSize(0) : 1;
  product.n = type.getShape().drop_back().back();
  product.k = type.getShape().back();
  if (product.tile.getRows() % (rowRun * product.weights) != 0)
    return op->emitOpError("strategy ")
           << product.tile << " cannot split " << product.tile.getRows()
           << " rows among " << product.weights << " weights in runs of "
           << rowRun;
  bool byFma = product.tile.getMma() == moe::MmaKind::Fma;
  bool mustDecode = llvm::any_of(
      weights, [](Value w) { return w.getDefiningOp<moe::EncodeOp>(); });
  bool isEncoded =
      byFma ? mustDecode
            : decodesWeights(product.rows.element, type, weights.size());
  if (mustDecode && !isEncoded)
    return op->emitOpError("strategy ")
           << product.tile << " decodes one or two weights side by side for "
           << "rows of bf16 and f16, these are " << weights.size()
           << " for rows of " << product.rows.element;
  if (product.tile.getCluster() > 1 &&
      (product.tile.getMma() != moe::MmaKind::Wgmma || isEncoded))
    return op->emitOpError("strategy ")
           << product.tile << " has a cluster, which copies plain weights for "
           << "wgmma";
  SmallVector<int64_t> numbers;
  for (Value weight : weights) {
    std::optional<int64_t> number = l.weightNumber(weight);
    if (!number)
      return op->emitOpError(
          "multiplies by a tensor that is not a weight of the layer");
    numbers.push_back(*number);
  }
  for (Value column : columns) {
    FailureOr<Buffer> buffer =
        l.weightRows(column, Float32Type::get(op->getContext()), op);
    if (failed(buffer))
      return failure();
    product.columns.push_back(*buffer);
  }
  if (isEncoded) {
    // 16 bytes of codes for each lane of a warp.
    int64_t bits = moe::NumberFormat::of(type.getEncoding())->block.codeBits();
    product.panels =
        byFma ? panelsFor(numbers, type, rowRun * product.weights,
                          product.tile.getDepth(), /*unroll=*/1)
              : panelsFor(numbers, type, /*cols=*/128 / bits, encodedDepth,
                          stageDepth(product.tile) / encodedDepth,
                          moe::PanelOrder::Fragments);
    product.packedRows = llvm::divideCeil(product.n, product.run());
    int64_t bytes = product.panels.getPanelBytes();
    product.packed =
        l.weight(product.panels, product.experts * product.packedRows, bytes,
                 bytes, IntegerType::get(op->getContext(), 8));
    return success();
  }
  // A panel of one step is some rows as they are.
  int64_t stride = product.rows.stride;
  product.panels = moe::PanelsAttr::get(
      op->getContext(), numbers, rowRun * product.weights, /*depth=*/stride,
      /*steps=*/1, type.getElementType(), /*encoding=*/Attribute(),
      moe::PanelOrder::Columns);
  product.packedRows =
      llvm::divideCeil(product.n, rowRun) * product.packedStep();
  product.packed =
      l.weight(product.panels, product.experts * product.packedRows, product.k,
               stride, type.getElementType());
  return success();
}

LogicalResult lowerLinear(LayerLowering &l, moe::LinearOp op) {
  auto product = std::make_shared<Product>();
  product->op = op;
  FailureOr<Buffer> rows = l.rowsFor(op, op.getX());
  if (failed(rows))
    return failure();
  product->rows = *rows;
  product->result = l.allocateRows(op.getResult());
  SmallVector<Value, 1> bias;
  if (op.getBias())
    bias.push_back(op.getBias());
  if (failed(pack(l, *product, op.getStrategyAttr(), op.getWeight(), bias)))
    return failure();
  return l.onTiles(product);
}

/// The type that holds every number that the epilogue of `op` yields.
static Type yieldedElement(moe::GroupedMatmulOp op) {
  if (op.hasEpilogue())
    if (auto extended = op.getEpilogue()
                            .front()
                            .getTerminator()
                            ->getOperand(0)
                            .getDefiningOp<arith::ExtFOp>();
        extended && MmaAtom::takes(extended.getIn().getType()))
      return extended.getIn().getType();
  return Float32Type::get(op.getContext());
}

LogicalResult lowerGroupedMatmul(LayerLowering &l, moe::GroupedMatmulOp op) {
  if (op.hasEpilogue() &&
      failed(checkElementwise(op.getEpilogue().front(), oneThread)))
    return failure();
  auto buffer = [&](Value value) -> std::optional<Buffer> {
    return value ? std::optional(l.get(value)) : std::nullopt;
  };
  auto product = std::make_shared<Product>();
  product->op = op;
  FailureOr<Buffer> rows = l.rowsFor(op, op.getInput());
  if (failed(rows))
    return failure();
  product->rows = *rows;
  product->gather = buffer(op.getGather());
  product->scale = buffer(op.getScale());
  product->resultSlots = buffer(op.getCombineSlots());
  product->choices = op.getChoices();
  product->epilogue = op.hasEpilogue() ? &op.getEpilogue().front() : nullptr;
  if (failed(pack(l, *product, op.getStrategyAttr(), op.getWeights(),
                  op.getColumns())))
    return failure();
  if (op.getOffsets()) {
    const Buffer *table = l.tileTable(op.getOffsets(), product->tileTokens());
    if (!table)
      return op.emitOpError("is grouped by offsets that are not a moe.group's");
    product->table = *table;
  }
  if (op.getCombineWeights()) {
    Count rows = tensorRows(op.getGather() ? Value(op.getGather())
                                           : Value(op.getInput()));
    product->result = l.allocate(rows, product->n, yieldedElement(op));
    l.set(op.getResult(), product->result);
  } else {
    product->result = l.allocateRows(op.getResult());
  }
  return l.onTiles(product);
}

LogicalResult lowerSums(LayerLowering &l, moe::GroupedMatmulOp op) {
  return emitCombine(l, op, l.get(op.getResult()), op.getCombineWeights(),
                     op.getCombineSlots(), op.getOnto(), op.getResult());
}

} // namespace moec::nvptx

//===- LayerCost.cpp - What a compiled layer has to do --------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Performance/LayerCost.h"
#include "moec/Codegen/CPU/PanelWork.h"
#include "moec/Codegen/NVPTX/Attributes.h"
#include "moec/Support/Error.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace llvm;
using namespace mlir;

namespace moec::perf {

int64_t Load::routed() const {
  return std::accumulate(rows.begin(), rows.end(), int64_t(0));
}

int64_t Load::active() const {
  return count_if(rows, [](int64_t count) { return count > 0; });
}

Load Load::of(ArrayRef<int32_t> ids, int64_t tokens, int64_t experts) {
  Load load{tokens, std::vector<int64_t>(experts)};
  for (int32_t id : ids)
    if (id >= 0 && id < experts)
      ++load.rows[id];
  return load;
}

Work Product::work(const Load &load) const {
  double rows = double(routed ? load.routed() : load.tokens * experts);
  double active = double(routed ? load.active() : experts);
  return {2 * rows * double(n) * double(k), active * expertBytes};
}

Work LayerCost::work(const Load &load) const {
  Work sum;
  for (const Product &product : products) {
    Work work = product.work(load);
    sum.flops += work.flops;
    sum.bytes += work.bytes;
  }
  return sum;
}

const Product &LayerCost::mainProduct() const {
  auto routed = find_if(products, [](const Product &p) { return p.routed; });
  return routed == products.end() ? products.front() : *routed;
}

const RowLoops &Product::loopsFor(int64_t rows) const {
  auto next = find_if(drop_begin(ranges), [&](const RangeChoice &range) {
    return range.from > rows;
  });
  return std::prev(next)->loops;
}

std::string Product::strategyFor(int64_t rows) const {
  return fmt::format("tiles of {}, {}", tile, inWords(loopsFor(rows)));
}

double Product::predictCycles(const Load &load, const CpuTarget &target) const {
  auto expert = [&](int64_t rows) {
    return double(panels) *
           panelCost(panel, target, rows, loopsFor(rows)).total;
  };
  if (!routed)
    return double(experts) * expert(load.tokens);
  double sum = 0;
  for (int64_t rows : load.rows)
    sum += rows ? expert(rows) : 0;
  return sum;
}

int64_t GpuTile::paddedRows(int64_t rows) const {
  int64_t rest = rows % clusterTokens(), last = tokens;
  while (last / 2 >= std::max(int64_t(divideCeil(rest, cluster)), leastTokens))
    last /= 2;
  return rows - rest + (rest ? last * cluster : 0);
}

static GpuTile gpuTile(moe::GpuTileAttr tile) {
  int64_t least = tile.getTokens();
  if (tile.getMma() == moe::MmaKind::M16N8K16)
    least = std::min(nvptx::leastMmaTokens, least);
  else if (tile.getMma() == moe::MmaKind::Wgmma)
    least = nvptx::leastWgmmaTokens;
  return {tile.getRows(),  tile.getTokens(), least,
          tile.getDepth(), tile.getStages(), tile.getCluster()};
}

/// Takes the tiles of a product on a GPU, if `strategy` has any.
static void readGpuTiles(Product &product, Attribute strategy) {
  auto many = dyn_cast_or_null<moe::GpuTileAttr>(strategy), few = many,
       some = many;
  if (auto tiles = dyn_cast_or_null<DictionaryAttr>(strategy)) {
    few = tiles.getAs<moe::GpuTileAttr>(nvptx::fewTilesName);
    many = tiles.getAs<moe::GpuTileAttr>(nvptx::manyTilesName);
    some = tiles.getAs<moe::GpuTileAttr>(nvptx::someTilesName);
  }
  if (!few || !many)
    return;
  product.tile = fmt::format("{} x {}", many.getRows(), many.getTokens());
  product.fewTile = gpuTile(few);
  product.manyTile = gpuTile(many);
  product.someTile = gpuTile(some ? some : many);
  product.numberBytes = many.getMma() == moe::MmaKind::Fma ? 4 : 2;
  for (GpuTile *tile : product.tiles())
    tile->weightBytes = double(product.numberBytes);
}

/// The tiles of weights that stay encoded, as `product.stored` says.
static void readGpuCodes(Product &product, Type rows) {
  constexpr double bits4 = 0.5, bits8 = 1;
  auto bytes = llvm::StringSwitch<double>(product.stored)
                   .Case("int4", bits4)
                   .Case("uint4", bits4)
                   .Case("mxfp4", bits4)
                   .Case("int8", bits8)
                   .Case("fp8", bits8)
                   .Default(0);
  if (bytes == 0 || !product.fewTile.rows)
    return;
  for (GpuTile *tile : product.tiles())
    tile->weightBytes = bytes;
  // Two rows of fragments share the products that take off a common number.
  if (rows.isBF16())
    product.fewTile.productsOfWeight =
        llvm::StringSwitch<double>(product.stored)
            .Case("int4", 1.5)
            .Case("uint4", 2)
            .Default(1);
}

/// Takes the strategy of a product's operation, `op`, whose weights are of type
/// `weights`.
template <typename Op>
static void readStrategy(Product &product, Op op, RankedTensorType weights) {
  product.ranges = {{1, {}}};
  readGpuTiles(product, op.getStrategyAttr());
  auto tile = dyn_cast_or_null<moe::CpuTileAttr>(op.getStrategyAttr());
  if (!tile)
    return;
  // A step multiplies so many elements of K at once.
  product.arithmetic = tile.getDepth() == 4   ? Arithmetic::Int8
                       : tile.getDepth() == 2 ? Arithmetic::Bf16
                                              : Arithmetic::F32;
  product.tile = fmt::format("{} x {}", tile.getRows(), tile.getCols());
  product.panel = panelWork(tile, weights);
  product.panels = divideCeil(product.n, tile.getCols());
  if (ArrayAttr ranges = op.getRangesAttr()) {
    product.ranges.clear();
    for (auto range : ranges.getAsRange<moe::CpuRangeAttr>())
      product.ranges.push_back(
          {range.getFrom(),
           {range.getChunk(), range.getAhead(), range.getDecode()}});
  }
}

namespace {

/// Collects the products of one layer.
class CostReader {
public:
  CostReader(moe::LayerOp layer, func::FuncOp kernel,
             const ManifestLayer &manifest);

  void addLinear(moe::LinearOp op);
  void addGrouped(moe::GroupedMatmulOp op);
  std::vector<Product> products;

private:
  /// The number of the weight that `value` is, -1 if it is none.
  int64_t weightOf(Value value);
  void addWeight(Product &product, Value value);

  moe::LayerOp layer;
  func::FuncOp kernel;
  const ManifestLayer &manifest;
  struct Packed {
    /// Its number in the manifest, bytes and storage.
    int64_t number;
    double bytes;
    std::string stored;
  };
  /// Each weight, by its symbol.
  StringMap<Packed> packed;
  moe::GroupOp routedGroup;
};

} // namespace

CostReader::CostReader(moe::LayerOp layer, func::FuncOp kernel,
                       const ManifestLayer &manifest)
    : layer(layer), kernel(kernel), manifest(manifest) {
  for (auto [number, blob] : enumerate(manifest.weights)) {
    SmallVector<StringRef> names;
    StringRef(blob.name).split(names, '+');
    for (StringRef name : names)
      packed[name] = {int64_t(number),
                      double(blob.bytes) / double(names.size()), blob.dtype};
  }
  kernel.walk([&](moe::GroupOp group) {
    if (!routedGroup)
      routedGroup = group;
  });
}

int64_t CostReader::weightOf(Value value) {
  // The packer encodes weights.
  if (auto encode = value.getDefiningOp<moe::EncodeOp>())
    return weightOf(encode.getX());
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument)
    return -1;
  if (auto router = dyn_cast<moe::RouterOp>(argument.getOwner()->getParentOp()))
    return router.isRowArg(argument) ? -1
                                     : weightOf(router.getOutside(argument));
  if (argument.getOwner()->getParentOp() != kernel.getOperation())
    return -1;
  // Weights are the arguments without a name.
  int64_t number = 0;
  for (unsigned i = 0; i < argument.getArgNumber(); ++i)
    number += !kernel.getArgAttr(i, "moe.name");
  return kernel.getArgAttr(argument.getArgNumber(), "moe.name") ? -1 : number;
}

void CostReader::addWeight(Product &product, Value value) {
  int64_t number = weightOf(value);
  if (number < 0 || number >= int64_t(layer.getWeights().size()))
    return;
  StringRef symbol =
      cast<FlatSymbolRefAttr>(layer.getWeights()[number]).getValue();
  auto found = packed.find(symbol);
  if (found == packed.end())
    return;
  product.expertBytes += found->second.bytes / double(product.experts);
  symbol.consume_front(manifest.name);
  symbol.consume_front(".");
  product.weights += (product.weights.empty() ? "" : "+") + symbol.str();
  if (product.stored.empty())
    product.stored = found->second.stored;
  if (product.weight < 0)
    product.weight = found->second.number;
}

void CostReader::addLinear(moe::LinearOp op) {
  Product product;
  auto type = cast<RankedTensorType>(op.getWeight().getType());
  product.n = type.getDimSize(0);
  product.k = type.getDimSize(1);
  readStrategy(product, op, type);
  addWeight(product, op.getWeight());
  readGpuCodes(product, getElementTypeOrSelf(op.getX()));
  products.push_back(std::move(product));
}

void CostReader::addGrouped(moe::GroupedMatmulOp op) {
  Product product;
  auto type = cast<RankedTensorType>(op.getWeights()[0].getType());
  product.n = op.getN() * int64_t(op.getWeights().size());
  product.k = type.getShape().back();
  product.experts = type.getRank() == 3 ? type.getDimSize(0) : 1;
  product.routed =
      op.isGrouped() && op.getOffsets().getDefiningOp() == routedGroup;
  readStrategy(product, op, type);
  for (Value weight : op.getWeights())
    addWeight(product, weight);
  readGpuCodes(product, getElementTypeOrSelf(op.getInput()));
  // Biases belong to their product, whose name is that of its matrices.
  Product columns;
  columns.experts = product.experts;
  for (Value column : op.getColumns())
    addWeight(columns, column);
  product.expertBytes += columns.expertBytes;
  products.push_back(std::move(product));
}

Expected<LayerCost> layerCost(ModuleOp schedule,
                              const ManifestLayer &manifest) {
  auto layer = schedule.lookupSymbol<moe::LayerOp>(manifest.name);
  auto kernel = layer ? schedule.lookupSymbol<func::FuncOp>(layer.getKernel())
                      : func::FuncOp();
  if (!kernel)
    return inputError("the schedule in the bundle has no layer {}, which its "
                      "manifest names; compile the model again",
                      quote(manifest.name));
  CostReader reader(layer, kernel, manifest);
  kernel.walk([&](Operation *op) {
    if (auto linear = dyn_cast<moe::LinearOp>(op))
      reader.addLinear(linear);
    else if (auto grouped = dyn_cast<moe::GroupedMatmulOp>(op))
      reader.addGrouped(grouped);
  });
  if (reader.products.empty())
    return inputError("layer {} multiplies nothing with weights",
                      quote(manifest.name));
  return LayerCost{manifest.name, manifest.experts, manifest.topK,
                   manifest.hidden, std::move(reader.products)};
}

} // namespace moec::perf

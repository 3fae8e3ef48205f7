//===- GpuTraffic.cpp - Bytes, tiles and launches of a layer --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Performance/GpuTraffic.h"
#include "moec/Support/Error.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace moec::perf {
namespace {

/// Adds up what the launches of one call do.
class Counter {
public:
  Counter(const LayerCost &cost, const ManifestLayer &layer,
          const ManifestPlan &plan, const Load &load, const GpuChip &chip)
      : cost(cost), layer(layer), plan(plan), load(load), chip(chip) {}

  GpuTraffic count();

private:
  void addBuffer(const ManifestBuffer &buffer);
  void addWeight(const ManifestLaunch &launch, const ManifestWeight &weight);
  void addTiles(const ManifestLaunch &launch, const Product &product);

  const LayerCost &cost;
  const ManifestLayer &layer;
  const ManifestPlan &plan;
  const Load &load;
  const GpuChip &chip;
  GpuTraffic traffic;
};

} // namespace

void Counter::addBuffer(const ManifestBuffer &buffer) {
  double bytes = double(buffer.perToken * load.tokens + buffer.fixed) *
                 double(buffer.rowBytes);
  traffic.passBytes += bytes;
  if (bytes > double(chip.cacheBytes) / 2)
    traffic.memoryBytes += bytes;
}

void Counter::addTiles(const ManifestLaunch &launch, const Product &product) {
  const GpuTile &tile = launch.below == INT32_MAX ? product.manyTile
                        : launch.from == 0        ? product.fewTile
                                                  : product.someTile;
  TiledProduct tiled{product.weights, launch.kernel,
                     fmt::format("{} x {}", tile.rows, tile.tokens)};
  tiled.shape = tile;
  int64_t tokenTiles = 0, padded = 0;
  auto addExpert = [&](int64_t rows) {
    tiled.rows += rows;
    tokenTiles += int64_t(divideCeil(rows, tile.clusterTokens()));
    padded += tile.paddedRows(rows);
  };
  if (product.routed)
    for_each(load.rows, addExpert);
  else
    for (int64_t i = 0; i < product.experts; ++i)
      addExpert(load.tokens);
  // More columns than tiles of rows share the work of a tile.
  int64_t rowTiles =
      std::max(launch.columns, int64_t(divideCeil(product.n, tile.rows)));
  tiled.tiles = tokenTiles * rowTiles * tile.cluster;
  if (tiled.rows)
    tiled.padding = double(padded) / double(tiled.rows);
  if (tiled.tiles)
    tiled.busy = double(tiled.tiles) /
                 double(alignTo(uint64_t(tiled.tiles), chip.processors));
  traffic.cacheBytes += double(tokenTiles) * product.expertBytes;
  traffic.cacheBytes += double(tiled.rows) * double(rowTiles) *
                        double(product.k * product.numberBytes);
  traffic.products.push_back(std::move(tiled));
}

double paddingOf(const Load &load, int64_t tokens) {
  int64_t rows = 0, padded = 0;
  for (int64_t count : load.rows) {
    rows += count;
    padded += int64_t(alignTo(uint64_t(count), tokens));
  }
  return rows ? double(padded) / double(rows) : 1;
}

/// The names of `weight` as products have them, without the layer's.
static std::string shortName(const ManifestWeight &weight,
                             const ManifestLayer &layer) {
  std::string result;
  SmallVector<StringRef> names;
  StringRef(weight.name).split(names, '+');
  for (StringRef name : names) {
    name.consume_front(layer.name);
    name.consume_front(".");
    result += (result.empty() ? "" : "+") + name.str();
  }
  return result;
}

void Counter::addWeight(const ManifestLaunch &launch,
                        const ManifestWeight &weight) {
  std::string name = shortName(weight, layer);
  auto product = find_if(cost.products, [&](const Product &candidate) {
    return candidate.weights == name;
  });
  double bytes = double(weight.bytes);
  if (product != cost.products.end())
    bytes = product->work(load).bytes;
  traffic.leastBytes += bytes;
  if (product != cost.products.end() && product->manyTile.tokens)
    addTiles(launch, *product);
  else
    traffic.cacheBytes += bytes;
}

GpuTraffic Counter::count() {
  for (const ManifestLaunch &launch : plan.launches) {
    if (launch.when == LaunchWhen::Given || load.tokens < launch.from ||
        load.tokens >= launch.below)
      continue;
    ++traffic.launches;
    for (const ManifestArgument &argument : launch.arguments) {
      if (argument.kind == ArgumentKind::Buffer)
        addBuffer(plan.buffers[argument.number]);
      else if (argument.kind == ArgumentKind::Weight)
        addWeight(launch, layer.weights[argument.number]);
    }
  }
  constexpr double bytesInAndOut = 2 + 2;
  traffic.leastBytes += double(load.tokens * layer.hidden) * bytesInAndOut;
  traffic.memoryBytes += traffic.leastBytes;
  double rows = double(load.routed()), inside = double(layer.width),
         outside = double(layer.hidden);
  traffic.unfusedBytes = rows * (12 * inside + 4 * outside);
  traffic.fusedBytes = rows * (4 * inside + 4 * outside);
  return std::move(traffic);
}

GpuTraffic gpuTraffic(const LayerCost &cost, const ManifestLayer &layer,
                      const ManifestPlan &plan, const Load &load,
                      const GpuChip &chip) {
  return Counter(cost, layer, plan, load, chip).count();
}

} // namespace moec::perf

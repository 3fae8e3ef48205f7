//===- GpuTest.cpp - Figures of GPU kernels and plans ---------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Performance/GpuKernel.h"
#include "moec/Performance/GpuTraffic.h"

#include <gtest/gtest.h>

using namespace moec;
using namespace moec::perf;

static GpuChip chipOf(const char *name) {
  return llvm::cantFail(gpuChip(name));
}

TEST(GpuChip, holdsAsManyBlocksAsItsScarcestResource) {
  auto blocks = [](const char *chip, const BlockNeeds &needs) {
    Occupancy result = occupancy(chipOf(chip), needs);
    return std::pair(result.blocks, result.limit.str());
  };
  using Result = std::pair<int64_t, std::string>;
  EXPECT_EQ(blocks("sm_80", {128, 248, 96 * 1024}), Result(1, "shared memory"));
  EXPECT_EQ(blocks("sm_80", {128, 248, 66048}), Result(2, "registers"));
  EXPECT_EQ(blocks("sm_90a", {384, 168, 225 * 1024}), Result(1, "registers"));
  EXPECT_EQ(blocks("sm_80", {1024, 32, 0}), Result(2, "registers"));
  EXPECT_EQ(blocks("sm_80", {32, 16, 0}), Result(32, "blocks"));
  EXPECT_EQ(blocks("sm_80", {128, 16, 0}), Result(16, "warps"));
  EXPECT_EQ(blocks("sm_80", {128, 16, 200 * 1024}), Result(0, "shared memory"));
}

TEST(GpuChip, isKnownOrAnError) {
  llvm::Expected<GpuChip> chip = gpuChip("sm_86");
  ASSERT_FALSE(bool(chip));
  EXPECT_EQ(llvm::toString(chip.takeError()),
            "the limits of 'sm_86' are not known; they are of sm_80, sm_90, "
            "sm_90a, sm_100, sm_100a");
}

TEST(GpuLoop, comparesInstructionsWithTheTensorCores) {
  cubin::Instruction product, other;
  product.kind = cubin::OpClass::Tensor;
  product.multiplyAdds = 16 * 8 * 16;
  product.stall = 9;
  other.kind = cubin::OpClass::Integer;
  other.stall = 2;
  std::vector<cubin::Instruction> code = {product, other, product, other};
  auto loop = [&] { return loopFigures({0, code}, chipOf("sm_80")); };
  // A quarter of 1024 multiply-adds a cycle is 256: 8 cycles each.
  EXPECT_EQ(loop().tensorCycles, 16);
  EXPECT_EQ(loop().stall, 22);
  EXPECT_EQ(loop().density(), 0.5);
  EXPECT_EQ(loop().issueShare(), 4. / 16);
  EXPECT_EQ(loop().stallShare(), 22. / 16);
  EXPECT_EQ(loopFigures({0, code}, chipOf("sm_90a")).tensorCycles, 8);
  // Numbers of 8 bits go twice as fast, a warpgroup's four times.
  code[0].bits = 8;
  EXPECT_EQ(loop().tensorCycles, 12);
  code[2].ofWarpgroup = true;
  EXPECT_EQ(loop().tensorCycles, 6);
}

/// A warp's pass of 4 products of 16 x 16 weights with 8 tokens is 2 KiB of
/// weights; the loop for 16 tokens does not count.
TEST(GpuKernel, streamsWeights) {
  cubin::Instruction product, other;
  product.kind = cubin::OpClass::Tensor;
  product.multiplyAdds = 16 * 8 * 16;
  std::vector<cubin::Instruction> narrow(4, product), wide(8, product);
  narrow.resize(30, other);
  wide.resize(50, other);
  GpuKernel kernel;
  kernel.occupancy.blocks = 2;
  kernel.loops = {loopFigures({0, wide}, chipOf("sm_80")),
                  loopFigures({0, narrow}, chipOf("sm_80"))};
  GpuTile tile{
      .rows = 32, .tokens = 16, .leastTokens = 8, .depth = 256, .stages = 4};
  auto stream = weightStream(kernel, tile);
  ASSERT_TRUE(stream);
  EXPECT_EQ(stream->instructionsPerKib, 15);
  EXPECT_EQ(stream->flightBytes, 2 * 3 * 32 * 256 * 2);
  // Codes of four bits, half of whose products only take off what is too much.
  tile.weightBytes = 0.5;
  tile.productsOfWeight = 2;
  EXPECT_EQ(weightStream(kernel, tile)->instructionsPerKib, 120);
  EXPECT_EQ(weightStream(kernel, tile)->flightBytes, 2 * 3 * 32 * 256 / 2);
  // The warps that copy for a warpgroup are not in its loop.
  narrow[0].ofWarpgroup = true;
  kernel.loops[1] = loopFigures({0, narrow}, chipOf("sm_90a"));
  EXPECT_FALSE(weightStream(kernel, tile));
  EXPECT_FALSE(weightStream(GpuKernel(), tile));
}

TEST(GpuTraffic, padsEachExpertsRows) {
  EXPECT_EQ(paddingOf({10, {1, 0, 9}}, 8), 24. / 10);
  EXPECT_EQ(paddingOf({10, {1, 0, 9}}, 1), 1);
  EXPECT_EQ(paddingOf({0, {0, 0}}, 8), 1);
}

/// A layer of 4 experts with matrices of 256 x 64, in tiles of 128 x 8, and a
/// plan of one launch on two buffers, besides one for given routings.
TEST(GpuTraffic, countsWhatThePlanSays) {
  Product product;
  product.weights = "w1";
  product.n = 256;
  product.k = 64;
  product.routed = true;
  product.experts = 4;
  product.expertBytes = 256 * 64 * 2;
  product.tile = "128 x 8";
  product.fewTile = product.manyTile = {128, 8, 8};
  product.numberBytes = 2;
  LayerCost cost{"l", 4, 1, 64, {product}};
  ManifestLayer layer;
  layer.name = "l";
  layer.hidden = 64;
  layer.width = 32;
  layer.weights.push_back({"l.w1", "bf16", {4, 256, 64}, "", 0, 4 * 32768});
  ManifestPlan plan;
  plan.buffers = {{1, 0, 128}, {0, 1, 40}};
  ManifestLaunch launch;
  launch.kernel = "k";
  launch.columns = 2;
  launch.arguments = {{ArgumentKind::Weight, 0},
                      {ArgumentKind::Buffer, 0},
                      {ArgumentKind::Buffer, 1}};
  plan.launches.push_back(launch);
  launch.when = LaunchWhen::Given;
  plan.launches.push_back(launch);

  GpuTraffic traffic =
      gpuTraffic(cost, layer, plan, {10, {1, 0, 9, 0}}, chipOf("sm_80"));
  EXPECT_EQ(traffic.launches, 1);
  EXPECT_EQ(traffic.passBytes, 10 * 128 + 40);
  EXPECT_EQ(traffic.fusedBytes, 10 * (4 * 32 + 4 * 64));
  EXPECT_EQ(traffic.unfusedBytes, 10 * (12 * 32 + 4 * 64));
  // Two experts' weights, rows in and out; the buffers stay in the cache.
  EXPECT_EQ(traffic.leastBytes, 2 * 32768 + 10 * 64 * 4);
  EXPECT_EQ(traffic.memoryBytes, traffic.leastBytes);
  ASSERT_EQ(traffic.products.size(), 1u);
  // Three tiles of tokens by two of weights.
  EXPECT_EQ(traffic.products[0].tiles, 6);
  EXPECT_EQ(traffic.products[0].padding, 24. / 10);
  EXPECT_EQ(traffic.products[0].busy, 6. / 108);
  EXPECT_EQ(traffic.cacheBytes, 3 * 32768 + 10 * 2 * 64 * 2);
}

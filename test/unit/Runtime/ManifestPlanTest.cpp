//===- ManifestPlanTest.cpp - launches in a manifest ----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A plan comes back as it was written, and one that does not fit is refused.
//
//===----------------------------------------------------------------------===//

#include "moec/Runtime/Manifest.h"

#include <gtest/gtest.h>

using namespace moec;

namespace {

Manifest deviceManifest() {
  Manifest manifest;
  manifest.producer = "test";
  manifest.triple = "nvptx64-nvidia-cuda";
  manifest.cpu = "sm_80";
  manifest.kernel = {"kernel.ptx", 10, "0123456789abcdef"};
  manifest.images = {{"cubin", {"kernel.cubin", 20, "0123456789abcdef"}}};
  ManifestKernel &kernel = manifest.kernels.emplace_back();
  kernel.symbol = "kernel_0";
  ManifestPlan &plan = kernel.plan.emplace();
  plan.buffers = {{1, 0, 256}};
  plan.maps = {
      {.weight = 0, .rows = 8, .cols = 64, .elementBytes = 2, .boxRows = 128}};
  ManifestLaunch &launch = plan.launches.emplace_back();
  launch.kernel = "kernel_0_0_rows";
  launch.when = LaunchWhen::Routed;
  launch.perToken = 1;
  launch.below = 65;
  launch.threads = 128;
  launch.resident = 2;
  launch.cluster = 2;
  launch.overlaps = true;
  launch.arguments = {{ArgumentKind::Tokens, 0},
                      {ArgumentKind::InputStride, 0},
                      {ArgumentKind::Buffer, 0},
                      {ArgumentKind::TensorMap, 0}};
  ManifestLayer &layer = manifest.layers.emplace_back();
  layer.name = "layers.0";
  layer.hidden = 64;
  layer.experts = 8;
  layer.topK = 2;
  layer.inputs = {{"hidden", 64, {"f32"}, false}};
  layer.outputs = {{"hidden", 64, {"f32"}, false}};
  layer.weights = {{"w", "bf16", {8, 64}, "rows", 0, 1024}};
  manifest.weights = {"weights.bin", 1024, "0123456789abcdef"};
  return manifest;
}

/// What reading back `manifest` says; empty if nothing.
std::string problemOf(const Manifest &manifest) {
  std::string error;
  return checkManifest(manifest, error) ? "" : error;
}

TEST(ManifestPlan, ComesBack) {
  Manifest back;
  std::string error;
  ASSERT_TRUE(parseManifest(printManifest(deviceManifest()), "m", back, error))
      << error;
  ASSERT_TRUE(back.kernels[0].plan);
  const ManifestLaunch &launch = back.kernels[0].plan->launches[0];
  EXPECT_EQ(launch.kernel, "kernel_0_0_rows");
  EXPECT_EQ(launch.when, LaunchWhen::Routed);
  EXPECT_EQ(launch.from, 0);
  EXPECT_EQ(launch.below, 65);
  EXPECT_EQ(launch.threads, 128);
  EXPECT_EQ(launch.resident, 2);
  EXPECT_EQ(launch.cluster, 2);
  EXPECT_TRUE(launch.overlaps);
  EXPECT_EQ(back.kernels[0].plan->maps[0].boxRows, 128);
  ASSERT_EQ(launch.arguments.size(), 4u);
  EXPECT_EQ(launch.arguments[1].kind, ArgumentKind::InputStride);
  EXPECT_EQ(back.kernels[0].plan->buffers[0].rowBytes, 256);
  EXPECT_EQ(back.images[0].kind, "cubin");
}

TEST(ManifestPlan, RefusesWhatIsNotThere) {
  Manifest manifest = deviceManifest();
  ManifestArgument &argument =
      manifest.kernels[0].plan->launches[0].arguments[1];
  argument = {ArgumentKind::Buffer, 1};
  EXPECT_NE(problemOf(manifest).find("names 'buffer 1'; the plan has 1"),
            std::string::npos);
  argument = {ArgumentKind::Input, 1};
  EXPECT_NE(problemOf(manifest).find("passes 'input 1' to 'kernel_0_0_rows'; "
                                     "the layer has 1 of this kind"),
            std::string::npos);
  argument = {ArgumentKind::Weight, 1};
  EXPECT_NE(problemOf(manifest).find("the layer has 1 of this kind"),
            std::string::npos);
  argument = {ArgumentKind::TensorMap, 1};
  EXPECT_NE(problemOf(manifest).find(
                "names 'tensor_map 1'; the plan has 1 tensor maps"),
            std::string::npos);
}

TEST(ManifestPlan, RefusesMapsOfWhatIsNotThere) {
  Manifest manifest = deviceManifest();
  ManifestMap &map = manifest.kernels[0].plan->maps[0];
  map.rows = 9;
  EXPECT_NE(problemOf(manifest).find("a tensor map of 9 x 64 numbers of 2 "
                                     "bytes; weight 0 has 1024 bytes"),
            std::string::npos);
  map.weight = 1;
  EXPECT_NE(problemOf(manifest).find("weight 1; the layer has 1 weights"),
            std::string::npos);
  map = {.weight = 0, .rows = 8, .cols = 4, .elementBytes = 2, .boxRows = 64};
  EXPECT_NE(problemOf(manifest).find("is 4 numbers of 2 bytes"),
            std::string::npos);
}

TEST(ManifestPlan, RefusesNumbersOutOfRange) {
  Manifest manifest = deviceManifest();
  manifest.kernels[0].plan->launches[0].threads = 2048;
  EXPECT_NE(problemOf(manifest).find("threads"), std::string::npos);
  manifest = deviceManifest();
  manifest.kernels[0].plan->buffers[0].rowBytes = 0;
  EXPECT_NE(problemOf(manifest).find("row_bytes"), std::string::npos);
  manifest = deviceManifest();
  manifest.kernels[0].plan->launches[0].from = 65;
  manifest.kernels[0].plan->launches[0].below = 65;
  EXPECT_NE(problemOf(manifest).find("below"), std::string::npos);
}

TEST(ManifestPlan, RefusesCountersWithoutFixedPlace) {
  Manifest manifest = deviceManifest();
  manifest.kernels[0].plan->counters = 1;
  EXPECT_NE(problemOf(manifest).find("counters"), std::string::npos);
  manifest.kernels[0].plan->counters = 0;
  EXPECT_NE(problemOf(manifest).find("is buffer 0, whose size depends on T"),
            std::string::npos);
}

TEST(ManifestPlan, ArgumentsAsText) {
  ManifestArgument argument;
  EXPECT_TRUE(parseArgument("output_type 12", argument));
  EXPECT_EQ(argument.kind, ArgumentKind::OutputType);
  EXPECT_EQ(argument.number, 12);
  EXPECT_EQ(printArgument(argument), "output_type 12");
  EXPECT_TRUE(parseArgument("sequence", argument));
  for (const char *bad : {"", "tokens 1", "input", "input -1", "input 1x",
                          "buffers 0", "input 99999999999999999999"})
    EXPECT_FALSE(parseArgument(bad, argument)) << bad;
}

/// The same code once more, for another chip.
Manifest fatManifest() {
  Manifest manifest = deviceManifest();
  ManifestCode older = manifest;
  manifest.cpu = "sm_90a";
  older.kernel.file = "kernel.sm_80.ptx";
  manifest.variants.push_back(older);
  return manifest;
}

TEST(ManifestVariants, ComeBackAndAreChosen) {
  Manifest back;
  std::string error;
  ASSERT_TRUE(parseManifest(printManifest(fatManifest()), "m", back, error))
      << error;
  EXPECT_EQ(chipsOf(back), (std::vector<std::string>{"sm_90a", "sm_80"}));
  EXPECT_FALSE(chooseChip(back, "sm_86"));
  EXPECT_EQ(back.kernel.file, "kernel.ptx");
  ASSERT_TRUE(chooseChip(back, "sm_80"));
  EXPECT_EQ(back.kernel.file, "kernel.sm_80.ptx");
  EXPECT_EQ(back.kernels[0].plan->launches[0].threads, 128);
  EXPECT_EQ(chipsOf(back), (std::vector<std::string>{"sm_80", "sm_90a"}));
  EXPECT_TRUE(chooseChip(back, "sm_90a"));
  EXPECT_EQ(back.kernel.file, "kernel.ptx");
}

TEST(ManifestVariants, FitTheLayers) {
  Manifest manifest = fatManifest();
  manifest.variants[0].kernels[0].plan->launches[0].arguments[0] = {
      ArgumentKind::Weight, 1};
  EXPECT_NE(problemOf(manifest).find("the layer has 1 of this kind"),
            std::string::npos);
  manifest.variants[0].kernels.clear();
  EXPECT_NE(problemOf(manifest).find(
                "variants[0].kernels has 0 kernels; the manifest has 1"),
            std::string::npos)
      << problemOf(manifest);
  manifest = fatManifest();
  manifest.triple = "x86_64-unknown-linux-gnu";
  EXPECT_NE(problemOf(manifest), "");
}

} // namespace

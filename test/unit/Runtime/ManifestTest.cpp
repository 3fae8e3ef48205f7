//===- ManifestTest.cpp - manifests that are right ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is written is read back, and what the format leaves open is accepted.
//
//===----------------------------------------------------------------------===//

#include "moec/Runtime/Manifest.h"
#include "moec/Runtime/Hash.h"

#include <gtest/gtest.h>

namespace moec {

static Manifest makeManifest() {
  Manifest manifest;
  manifest.producer = "moec 0.1.0";
  manifest.model = R"({"model_type":"mixtral","name":"tiny"})";
  manifest.triple = "x86_64-pc-linux-gnu";
  manifest.cpu = "znver4";
  manifest.features = {"avx2", "fma"};
  manifest.kernel = {"kernel.so", 4096, "0123456789abcdef"};
  manifest.weights = {"weights.bin", 256, "fedcba9876543210"};
  manifest.kernels = {{"moe_0", "moe_0_workspace"}};
  manifest.kernels[0].stages = {"input", "weight 0"};
  ManifestLayer layer;
  layer.name = "layers.0";
  layer.router = "softmax, top-2";
  layer.hidden = 64;
  layer.width = 32;
  layer.experts = 8;
  layer.identityExperts = 2;
  layer.topK = 2;
  layer.weightBefore = true;
  layer.needsSequence = true;
  layer.givenRouting = true;
  layer.inputs = {{"hidden", 64, {"f32", "bf16"}},
                  {"token_ids", 1, {"i64"}, /*optional=*/true}};
  layer.outputs = {{"hidden", 64, {"f32"}},
                   {"topk_ids", 2, {"i32"}},
                   {"topk_weights", 2, {"f32"}}};
  layer.weights = {{"layers.0.w1", "bf16", {8, 4}, "e h", 0, 64},
                   {"layers.0.w2", "u8", {}, "", 128, 128},
                   {"layers.0.w3", "u8", {0}, "", 256, 0}};
  manifest.layers = {layer};
  return manifest;
}

TEST(ManifestTest, writtenManifestIsReadBack) {
  Manifest manifest = makeManifest(), back;
  std::string text = printManifest(manifest), error;
  ASSERT_TRUE(parseManifest(text, "m", back, error)) << error;
  EXPECT_EQ(printManifest(back), text);
  EXPECT_EQ(back.model, manifest.model);
  EXPECT_EQ(back.features, manifest.features);
  EXPECT_EQ(back.kernels[0].stages, manifest.kernels[0].stages);
  ASSERT_EQ(back.layers.size(), 1u);
  const ManifestLayer &layer = back.layers[0];
  EXPECT_EQ(layer.router, "softmax, top-2");
  EXPECT_EQ(layer.identityExperts, 2);
  EXPECT_TRUE(layer.weightBefore);
  EXPECT_TRUE(layer.needsSequence);
  EXPECT_TRUE(layer.inputs[1].optional);
  EXPECT_EQ(layer.inputs[0].dtypes, (std::vector<std::string>{"f32", "bf16"}));
  EXPECT_EQ(layer.weights[0].shape, (std::vector<int64_t>{8, 4}));
  EXPECT_EQ(layer.weights[1].offset, 128);
}

TEST(ManifestTest, weightsMayBeLeftOut) {
  Manifest manifest = makeManifest(), back;
  manifest.weights.reset();
  manifest.layers[0].weights[1].offset = int64_t(1) << 40;
  std::string error;
  ASSERT_TRUE(parseManifest(printManifest(manifest), "m", back, error))
      << error;
  EXPECT_FALSE(back.weights);
}

TEST(ManifestTest, unknownKeysAreIgnored) {
  std::string text = printManifest(makeManifest()), error;
  text.insert(1, R"("note": {"nested": [1, 2.5, null]},)");
  Manifest back;
  EXPECT_TRUE(parseManifest(text, "m", back, error)) << error;
}

TEST(ManifestTest, layersMayShareWeights) {
  Manifest manifest = makeManifest(), back;
  manifest.layers.push_back(manifest.layers[0]);
  manifest.layers[1].name = "layers.1";
  std::string error;
  EXPECT_TRUE(parseManifest(printManifest(manifest), "m", back, error))
      << error;
}

TEST(ManifestTest, modelThatIsNoObjectIsWrittenAsEmpty) {
  Manifest manifest = makeManifest(), back;
  std::string error;
  for (const char *model : {"", "[]", "{\"a\":", "3"}) {
    manifest.model = model;
    ASSERT_TRUE(parseManifest(printManifest(manifest), "m", back, error));
    EXPECT_EQ(back.model, "{}");
  }
}

TEST(ManifestTest, namesThatAreNotUtf8AreStillWritten) {
  Manifest manifest = makeManifest(), back;
  manifest.layers[0].name = "layer\xff";
  std::string error;
  ASSERT_TRUE(parseManifest(printManifest(manifest), "m", back, error))
      << error;
  EXPECT_EQ(back.layers[0].name, "layer\xef\xbf\xbd");
}

TEST(HashTest, piecesGiveTheHashOfTheWhole) {
  std::string data(1000, 'x');
  Xxh3 pieces;
  for (size_t begin = 0; begin < data.size(); begin += 300)
    pieces.update(data.data() + begin,
                  std::min<size_t>(300, data.size() - begin));
  EXPECT_EQ(pieces.hex(), xxh3Hex(data.data(), data.size()));
  // From xxHash's own description: the hash of nothing.
  EXPECT_EQ(xxh3Hex("", 0), "2d06800538d394c2");
}

} // namespace moec

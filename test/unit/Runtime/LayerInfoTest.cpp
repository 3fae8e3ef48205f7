//===- LayerInfoTest.cpp - asking what a bundle holds ---------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Names, sizes and tensors of layers.
//
//===----------------------------------------------------------------------===//

#include "TestBundle.h"

namespace moec {

class LayerInfoTest : public testing::Test {
protected:
  TestBundle bundle;
  ModelHandle model = openModel(bundle.path());
};

TEST_F(LayerInfoTest, describesALayer) {
  moec_layer_info info = {};
  info.struct_size = sizeof(info);
  ASSERT_EQ(moec_layer_get_info(model.get(), 3, &info), MOEC_OK);
  EXPECT_EQ(info.struct_size, sizeof(info));
  EXPECT_STREQ(info.name, "describe");
  EXPECT_STREQ(info.router, "round robin");
  EXPECT_EQ(info.hidden, kHidden);
  EXPECT_EQ(info.width, 8);
  EXPECT_EQ(info.experts, kExperts);
  EXPECT_EQ(info.identity_experts, 1);
  EXPECT_EQ(info.top_k, kTopK);
  EXPECT_EQ(info.weights_bytes, 16);
  EXPECT_EQ(info.num_inputs, 2);
  EXPECT_EQ(info.num_outputs, 4);
  EXPECT_EQ(info.needs_sequence, 0);
  EXPECT_EQ(info.can_give_routing, 1);
  EXPECT_EQ(info.weight_before, 0);
}

TEST_F(LayerInfoTest, describesTensors) {
  moec_tensor_info info = {};
  info.struct_size = sizeof(info);
  ASSERT_EQ(moec_layer_get_input(model.get(), 0, 1, &info), MOEC_OK);
  EXPECT_STREQ(info.name, "token_ids");
  EXPECT_EQ(info.cols, 1);
  EXPECT_EQ(info.dtype.code, kDLInt);
  EXPECT_EQ(info.dtype.bits, 32);
  EXPECT_EQ(info.optional, 1);
  ASSERT_EQ(moec_layer_get_output(model.get(), 0, 3, &info), MOEC_OK);
  EXPECT_STREQ(info.name, "router_logits");
  EXPECT_EQ(info.cols, kExperts + 1);
  EXPECT_EQ(info.optional, 1);
  ASSERT_EQ(moec_layer_get_input(model.get(), 0, 0, &info), MOEC_OK);
  EXPECT_EQ(info.optional, 0);
}

TEST_F(LayerInfoTest, findsByName) {
  EXPECT_EQ(moec_layer_find(model.get(), "endless"), 2);
  EXPECT_EQ(moec_layer_find_input(model.get(), 0, "token_ids"), 1);
  EXPECT_EQ(moec_layer_find_output(model.get(), 0, "topk_weights"), 2);
  EXPECT_EQ(moec_layer_find(model.get(), "layers.9\n"), -1);
  EXPECT_EQ(moec_last_error(),
            bundle.path() + ": there is no layer 'layers.9\\x0a'; the bundle "
                            "has 4 layers, 'layer' to 'describe'");
  EXPECT_EQ(moec_layer_find_input(model.get(), 0, "x"), -1);
  EXPECT_STREQ(moec_last_error(),
               "there is no tensor 'x'; the layer has: hidden, token_ids");
}

TEST_F(LayerInfoTest, badArguments) {
  moec_layer_info info = {};
  EXPECT_EQ(moec_layer_get_info(model.get(), 0, &info), MOEC_ERROR_ARGUMENT);
  EXPECT_EQ(moec_last_error(), "struct_size is 0; expected at least " +
                                   std::to_string(sizeof(info)) +
                                   ": set it to the size of the structure");
  for (int32_t layer : {-1, 4, INT32_MAX}) {
    EXPECT_EQ(moec_layer_get_info(model.get(), layer, &info),
              MOEC_ERROR_ARGUMENT);
    EXPECT_EQ(moec_last_error(), bundle.path() + ": there is no layer " +
                                     std::to_string(layer) +
                                     "; the bundle has 4 layers");
  }
  moec_tensor_info tensor = {};
  tensor.struct_size = sizeof(tensor);
  EXPECT_EQ(moec_layer_get_output(model.get(), 0, 4, &tensor),
            MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(),
               "there is no tensor 4; the layer has 4 of this kind");
  EXPECT_EQ(moec_layer_get_info(nullptr, 0, &info), MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(), "moec_layer_get_info: model is NULL");
  EXPECT_EQ(moec_layer_find(nullptr, "x"), -1);
  EXPECT_EQ(moec_layer_count(nullptr), 0);
  EXPECT_STREQ(moec_model_json(nullptr), "{}");
  moec_close(nullptr);
}

TEST_F(LayerInfoTest, aLargerStructureOfANewerCallerIsLeftAlone) {
  struct {
    moec_layer_info known;
    int64_t future;
  } info = {{}, 42};
  info.known.struct_size = sizeof(info);
  ASSERT_EQ(moec_layer_get_info(model.get(), 0, &info.known), MOEC_OK);
  EXPECT_EQ(info.future, 42);
  EXPECT_STREQ(info.known.name, "layer");
}

TEST(VersionTest, versionAndStatusNames) {
  EXPECT_STREQ(moec_version(), "0.1.0");
  EXPECT_STREQ(moec_status_name(MOEC_OK), "ok");
  EXPECT_STREQ(moec_status_name(MOEC_ERROR_CPU), "cpu");
  EXPECT_STREQ(moec_status_name(77), "unknown");
}

} // namespace moec

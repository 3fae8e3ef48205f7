//===- ResolveTest.cpp - Tensors of a checkpoint ----------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names, layouts, storage and what is said when files and configuration do not
// fit.
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

namespace moec::hf {
namespace {

constexpr llvm::StringLiteral mixtral = R"({"model_type": "mixtral",
  "hidden_size": 64, "intermediate_size": 32, "num_local_experts": 2,
  "num_hidden_layers": 1})";

FakeTensors mixtralTensors(DType dtype = DType::BF16) {
  FakeTensors tensors;
  std::string prefix = "model.layers.0.block_sparse_moe.";
  tensors.add(prefix + "gate.weight", {2, 64});
  for (int e = 0; e < 2; ++e) {
    std::string expert = prefix + "experts." + std::to_string(e) + ".";
    tensors.add(expert + "w1.weight", {32, 64}, dtype);
    tensors.add(expert + "w3.weight", {32, 64}, dtype);
    tensors.add(expert + "w2.weight", {64, 32}, dtype);
  }
  return tensors;
}

const ResolvedTensor &tensor(const ResolvedModel &model, llvm::StringRef name) {
  for (const ResolvedTensor &tensor : model.layers[0].tensors)
    if (tensor.name == name)
      return tensor;
  ADD_FAILURE() << "no tensor " << name.str();
  std::abort();
}

TEST(ResolveTest, OneTensorPerExpert) {
  FakeTensors files = mixtralTensors();
  ResolvedModel model = valueOf(resolveText(mixtral, &files));
  const ResolvedTensor &w1 = tensor(model, "w1");
  EXPECT_TRUE(w1.stacked);
  EXPECT_TRUE(w1.isDirect());
  EXPECT_EQ(w1.shape, (Shape{2, 32, 64}));
  EXPECT_EQ(w1.fileShape, (Shape{32, 64}));
  EXPECT_EQ(w1.sourceName(0, 1),
            "model.layers.0.block_sparse_moe.experts.1.w1.weight");
  EXPECT_EQ(w1.storedBytes(), 2u * 32 * 64 * 2);
  EXPECT_EQ(model.layers[0].experts, 2);
  EXPECT_EQ(model.layers[0].topK, 2);
  EXPECT_EQ(model.layers[0].width, 32);
}

TEST(ResolveTest, MissingAndWrongTensors) {
  FakeTensors files = mixtralTensors();
  files.tensors.erase("model.layers.0.block_sparse_moe.experts.1.w3.weight");
  EXPECT_EQ(refusal(mixtral, &files),
            "model: tensor 'model.layers.0.block_sparse_moe.experts.1.w3."
            "weight' is missing; it is 'w3' of layers.0 in family mixtral");
  files = mixtralTensors();
  files.add("model.layers.0.block_sparse_moe.gate.weight", {3, 64});
  EXPECT_EQ(refusal(mixtral, &files),
            "model: tensor 'model.layers.0.block_sparse_moe.gate.weight' has "
            "shape [3, 64], expected [2, 64] ('gate' of layers.0, with H = 64, "
            "I = 32, E = 2, K = 2); config.json and the tensors contradict "
            "each other");
  files = mixtralTensors();
  files.add("model.layers.0.block_sparse_moe.experts.1.w1.weight", {32, 64},
            DType::F32);
  EXPECT_EQ(refusal(mixtral, &files),
            "model: tensor 'model.layers.0.block_sparse_moe.experts.1.w1."
            "weight' is stored as f32 and "
            "'model.layers.0.block_sparse_moe.experts.0.w1.weight' otherwise; "
            "the experts of a layer are stored alike");
  files = mixtralTensors(DType::I8);
  EXPECT_EQ(refusal(mixtral, &files),
            "model: tensor 'model.layers.0.block_sparse_moe.experts.0.w1."
            "weight' is stored as i8; f32, f16, bf16, f8e4m3 with block scales "
            "and mxfp4 can be read");
}

TEST(ResolveTest, Fp8Blocks) {
  FakeTensors files = mixtralTensors(DType::F8E4M3);
  std::string config =
      R"({"quantization_config": {"quant_method": "fp8",
          "weight_block_size": [24, 48]}, )" +
      mixtral.substr(1).str();
  std::string missing = refusal(config, &files);
  EXPECT_EQ(missing,
            "model: tensor 'model.layers.0.block_sparse_moe.experts.0.w1."
            "weight_scale_inv' is missing; it is 'w1' of layers.0 in family "
            "mixtral");
  EXPECT_EQ(refusal(mixtral, &files),
            "model: tensor 'model.layers.0.block_sparse_moe.experts.0.w1."
            "weight' is stored as f8e4m3, but config.json has no "
            "quantization_config with a weight_block_size");
  for (int e = 0; e < 2; ++e)
    for (auto [name, shape] :
         {std::pair("w1", Shape{2, 2}), std::pair("w3", Shape{2, 2}),
          std::pair("w2", Shape{3, 1})})
      files.add("model.layers.0.block_sparse_moe.experts." + std::to_string(e) +
                    "." + name + ".weight_scale_inv",
                shape, DType::F32);
  ResolvedModel model = valueOf(resolveText(config, &files));
  const ResolvedTensor &w2 = tensor(model, "w2");
  EXPECT_EQ(w2.encoding, Encoding::Fp8Block);
  EXPECT_EQ(w2.element, DType::BF16);
  EXPECT_EQ(w2.stored(1).shape, (Shape{3, 1}));
  files.add("model.layers.0.block_sparse_moe.experts.1.w2.weight_scale_inv",
            {3, 2}, DType::F32);
  EXPECT_EQ(refusal(config, &files),
            "model: tensor 'model.layers.0.block_sparse_moe.experts.1.w2."
            "weight_scale_inv' has shape [3, 2], expected [3, 1] ('w2' of "
            "layers.0, with H = 64, I = 32, E = 2, K = 2); config.json and the "
            "tensors contradict each other");
}

TEST(ResolveTest, OtherQuantisation) {
  EXPECT_EQ(refusal(R"({"model_type": "mixtral",
    "quantization_config": {"quant_method": "gptq"}})"),
            "model/config.json: quantization_config's quant_method is 'gptq'; "
            "weights stored as fp8 and mxfp4 can be read");
  EXPECT_EQ(refusal(R"({"model_type": "mixtral",
    "quantization_config": {"quant_method": "fp8",
                            "weight_block_size": [0, 128]}})"),
            "model/config.json: quantization_config's weight_block_size is not "
            "two integers of at least 1; fp8 weights can be read with a scale "
            "for each block");
}

TEST(ResolveTest, InterleavedAndPacked) {
  std::string config = R"({"model_type": "gpt_oss", "hidden_size": 64,
    "intermediate_size": 32, "num_local_experts": 8, "num_hidden_layers": 1})";
  FakeTensors files;
  std::string prefix = "model.layers.0.mlp.";
  files.add(prefix + "router.weight", {8, 64});
  files.add(prefix + "router.bias", {8});
  files.add(prefix + "experts.gate_up_proj_bias", {8, 64});
  files.add(prefix + "experts.down_proj_bias", {8, 64});
  FakeTensors plain = files;
  plain.add(prefix + "experts.gate_up_proj", {8, 64, 64});
  plain.add(prefix + "experts.down_proj", {8, 32, 64});
  ResolvedModel model = valueOf(resolveText(config, &plain));
  EXPECT_EQ(tensor(model, "w3").subscript,
            (std::vector<AffineIndex>{
                {0, {1, 0, 0}}, {0, {0, 0, 1}}, {1, {0, 2, 0}}}));
  EXPECT_FALSE(tensor(model, "w3").isDirect());

  files.add(prefix + "experts.gate_up_proj_blocks", {8, 64, 2, 16}, DType::U8);
  files.add(prefix + "experts.gate_up_proj_scales", {8, 64, 2}, DType::U8);
  files.add(prefix + "experts.down_proj_blocks", {8, 64, 1, 16}, DType::U8);
  files.add(prefix + "experts.down_proj_scales", {8, 64, 1}, DType::U8);
  model = valueOf(resolveText(config, &files));
  EXPECT_EQ(tensor(model, "w3").encoding, Encoding::Mxfp4);
  EXPECT_EQ(tensor(model, "w3").fileShape, (Shape{8, 64, 64}));
  EXPECT_TRUE(tensor(model, "w2").isDirect());
  EXPECT_EQ(tensor(model, "w2").storedBytes(), 8u * 64 * 32 / 2 + 8 * 64);
}

TEST(ResolveTest, OrientationByShape) {
  std::string config = R"({"model_type": "qwen3_vl_moe", "text_config": {
    "model_type": "qwen3_vl_moe_text", "hidden_size": 48,
    "moe_intermediate_size": 20, "num_experts": 8, "num_hidden_layers": 1}})";
  for (bool released : {true, false}) {
    FakeTensors files;
    std::string prefix = "model.language_model.layers.0.mlp.";
    files.add(prefix + "gate.weight", {8, 48});
    files.add(prefix + "experts.gate_up_proj",
              released ? Shape{8, 48, 40} : Shape{8, 40, 48});
    files.add(prefix + "experts.down_proj",
              released ? Shape{8, 20, 48} : Shape{8, 48, 20});
    ResolvedModel model = valueOf(resolveText(config, &files));
    EXPECT_EQ(tensor(model, "w2").isDirect(), !released);
  }
}

TEST(ResolveTest, DenseAndMoeLayers) {
  ResolvedModel model = valueOf(resolveText(R"({"model_type": "qwen3_moe",
    "decoder_sparse_step": 2, "mlp_only_layers": [3], "num_hidden_layers": 6})"));
  std::string pattern;
  for (const ResolvedLayer &layer : model.layers)
    pattern += layer.moe ? 'M' : 'd';
  EXPECT_EQ(pattern, "dMdddM");
  EXPECT_EQ(model.layers[5].name, "layers.5");
}

TEST(ResolveTest, StrayTensors) {
  FakeTensors files = mixtralTensors();
  EXPECT_TRUE(valueOf(resolveText(mixtral, &files)).layers[0].moe);
  // Experts in a layer that the configuration calls dense.
  FakeTensors dense;
  dense.add("model.layers.0.mlp.gate.weight", {8, 64});
  EXPECT_EQ(refusal(R"({"model_type": "qwen3_moe", "mlp_only_layers": [0],
    "num_hidden_layers": 1})",
                    &dense),
            "model: tensor 'model.layers.0.mlp.gate.weight' is there, but by "
            "config.json layers.0 is a dense layer");
  // A dense layer may have a norm that MoE layers read too.
  FakeTensors norm;
  norm.add("model.layers.0.post_mlp_layernorm.weight", {64});
  norm.add("model.layers.0.mlp.gate_proj.weight", {64, 64});
  EXPECT_FALSE(valueOf(resolveText(R"({"model_type": "axk1",
    "first_k_dense_replace": 1, "num_hidden_layers": 1})",
                                   &norm))
                   .layers[0]
                   .moe);
}

TEST(ResolveTest, HostileSizes) {
  EXPECT_EQ(refusal(R"({"model_type": "mixtral",
    "num_hidden_layers": 4000000000000})"),
            "model/config.json: num_hidden_layers is 4000000000000; a model "
            "has 0 to 10000 layers");
  EXPECT_EQ(refusal(R"({"model_type": "mixtral",
    "hidden_size": 4611686018427387904})"),
            "model/config.json: tensor 'gate' would have the shape [8, "
            "4611686018427387904], which no memory holds");
  EXPECT_NE(refusal(R"({"model_type": "deepseek_v3",
    "n_shared_experts": 9223372036854775807})")
                .find("does not fit in 64 bits"),
            std::string::npos);
  EXPECT_EQ(refusal(R"({"model_type": "mixtral",
    "num_local_experts": 0})"),
            "model/config.json: num_local_experts is 0, the size of dimension "
            "e of tensor 'gate'; it must be at least 1");
}

} // namespace
} // namespace moec::hf

//===- RoutineTest.cpp - Programs made into routines ------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Partial evaluation, types, and the checks that tie a configuration's numbers
// together.
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

namespace moec::hf {
namespace {

/// The message of a tiny family with this router.
std::string routerError(llvm::StringRef router,
                        llvm::StringRef expert = "y = linear(x, up)") {
  std::unique_ptr<FamilyRegistry> registry = valueOf(FamilyRegistry::create());
  std::string text = R"(family: tiny
summary: a test
match: {model_type: [tiny]}
keys: {on: false, groups: 4, kept: 2, k: 2, name: silu}
dims: {H: 4, E: 8, K: k}
layers:
  - {name: "layers.{n}", count: 1, prefix: "l.{n}."}
tensors: |
  gate[e: E, h: H] = "gate"
  bias[e: E] = "bias"
  late[e: E] = "late" if on
  up[e: E, o: H, h: H] = "{e}.up"
router: |
  )";
  text += router;
  text += "\nexpert: |\n  ";
  text += expert;
  text += "\n";
  llvm::cantFail(registry->add("tiny.yaml", text));
  ConfigFile config =
      valueOf(ConfigFile::parse("config.json", R"({"model_type": "tiny"})"));
  std::string message = messageOf(resolveModel(
      *registry, *registry->findByModelType("tiny"), config, nullptr));
  return message.substr(0, message.find('\n'));
}

TEST(RoutineTest, FoldsConfiguration) {
  ResolvedModel model = valueOf(resolveText(R"({
    "model_type": "deepseek_v3", "hidden_size": 64, "n_routed_experts": 8,
    "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1,
    "norm_topk_prob": false, "routed_scaling_factor": 1.0,
    "first_k_dense_replace": 0, "num_hidden_layers": 1,
    "n_shared_experts": 0, "moe_intermediate_size": 32})"));
  // One group, no normalisation and a scale of 1 leave no trace.
  EXPECT_EQ(model.layers[0].router.str(),
            "%0 = input name: \"x\" : [64]\n"
            "%1 = tensor name: \"gate\" : [8, 64]\n"
            "%2 = linear %0 %1 : [8]\n"
            "%3 = sigmoid %2 : [8]\n"
            "%4 = tensor name: \"bias\" : [8]\n"
            "%5 = add %3 %4 : [8]\n"
            "%6 = top_k %5 k: 2 : [2] ids\n"
            "%7 = take %3 %6 : [2]\n"
            "ids = %6\n"
            "w = %7\n"
            "z = %2\n");
  EXPECT_EQ(model.layers[0].block.operations.size(), 4u);
}

TEST(RoutineTest, ConfigurationThatContradictsItself) {
  auto message = [](llvm::StringRef keys) {
    return refusal((R"({"model_type": "deepseek_v3",
      "hidden_size": 64, "n_routed_experts": 16, "first_k_dense_replace": 0,
      "num_hidden_layers": 1, )" +
                    keys + "}")
                       .str());
  };
  EXPECT_EQ(
      message(R"("num_experts_per_tok": 17, "n_group": 1, "topk_group": 1)"),
      "model/config.json: num_experts_per_tok is 17, but there are 16 "
      "experts to choose from; lower it to 16 or less");
  EXPECT_EQ(message(R"("n_group": 3)"),
            "model/config.json: n_group is 3, but 16 experts do not fall into "
            "3 equal groups; it must divide 16");
  EXPECT_EQ(message(R"("n_group": 2, "topk_group": 3)"),
            "model/config.json: topk_group is 3, but n_group is 2; from 1 to 2 "
            "groups can be kept");
  EXPECT_EQ(message(R"("n_group": 16, "topk_group": 8)"),
            "model/config.json: n_group is 16, so a group has 1 of the 16 "
            "experts; a group is scored by the sum of two");
  EXPECT_EQ(
      message(R"("n_group": 4, "topk_group": 1, "num_experts_per_tok": 6)"),
      "model/config.json: num_experts_per_tok is 6, but the groups kept "
      "hold only 4 experts; keep more groups or lower it");
  EXPECT_EQ(
      message(R"("num_experts_per_tok": 0, "n_group": 1, "topk_group": 1)"),
      "model/config.json: num_experts_per_tok is 0; a token is sent to a "
      "whole number of experts, at least 1");
  EXPECT_EQ(message(R"("moe_intermediate_size": -3)"),
            "model/config.json: moe_intermediate_size is -3; a dimension is a "
            "whole number that is not negative");
  EXPECT_EQ(message(R"("hidden_act": "gleu", "n_group": 1, "topk_group": 1)"),
            "model/config.json: hidden_act is 'gleu', an activation that is "
            "not known; known are silu (swish), gelu, gelu_new "
            "(gelu_pytorch_tanh, gelu_fast), quick_gelu, relu, relu2, sigmoid, "
            "tanh and linear");
}

TEST(RoutineTest, ChecksOfADescription) {
  EXPECT_EQ(refusal(R"({"model_type": "qwen3_moe",
      "num_hidden_layers": 2, "mlp_only_layers": [5]})"),
            "model/config.json: mlp_only_layers names layers that are not "
            "there; 'all_within(dense_layers, 0, num_hidden_layers)' does not "
            "hold");
}

TEST(RoutineTest, ErrorsOfADescription) {
  EXPECT_EQ(routerError("z = linear(x, gaet)"),
            "tiny.yaml:14:17: error: 'gaet' is no tensor, key or dimension and "
            "has not been given a value before");
  EXPECT_EQ(routerError("z = linear(x, late)"),
            "tiny.yaml:14:17: error: tensor 'late' is used, but with this "
            "configuration its condition 'on' is false");
  EXPECT_EQ(routerError("z = linear(gate, x)"),
            "tiny.yaml:14:14: error: expected a row of numbers, found [8, 4]");
  EXPECT_EQ(routerError("z = linear(bias, gate)"),
            "tiny.yaml:14:7: error: a row of 8 numbers is multiplied by a "
            "matrix [8, 4], expected [.., 8]");
  EXPECT_EQ(
      routerError("z = linear(x, gate) + x"),
      "tiny.yaml:14:23: error: the shapes [8] and [4] do not go together");
  EXPECT_EQ(routerError("z = frob(x)").substr(0, 60),
            "tiny.yaml:14:7: error: 'frob' is no function; there are abs,");
  EXPECT_EQ(routerError("z = softmax(x, 2)"),
            "tiny.yaml:14:7: error: 'softmax' takes 1 arguments without a "
            "name, here are 2");
  EXPECT_EQ(routerError("z = softmax(x, eps: 2)"),
            "tiny.yaml:14:23: error: 'softmax' has no argument 'eps'");
  EXPECT_EQ(routerError("z = group_limit(x, groups: 2, keep: 1, fill: 0.0, by: "
                        "best)"),
            "tiny.yaml:14:57: error: 'by' is one of max, top2_sum");
  EXPECT_EQ(routerError("z = group_limit(x, groups: 2, keep: 1)"),
            "tiny.yaml:14:7: error: 'group_limit' needs the argument 'fill'; "
            "0.0 and -inf are different models");
  EXPECT_EQ(routerError("z = x[2:9]"),
            "tiny.yaml:14:11: error: '9' is 9; a bound is an integer from 0 to "
            "4");
  EXPECT_EQ(routerError("z = x if x"),
            "tiny.yaml:14:12: error: this must be known at import, but depends "
            "on the tokens or the weights");
  EXPECT_EQ(routerError("gate = x"), "tiny.yaml:14:3: error: 'gate' is already "
                                     "a key, a dimension or a tensor");
  EXPECT_EQ(routerError("a, b = softmax(x)"),
            "tiny.yaml:14:3: error: 'softmax' gives 1 values, here are 2 "
            "names");
  EXPECT_EQ(routerError("z = linear(x, gate)"),
            "tiny.yaml:13:1: error: the program gives no value to 'ids'");
}

TEST(RoutineTest, ErrorsOfAnExpert) {
  constexpr llvm::StringLiteral router =
      "z = linear(x, gate)\n  ids = top_k(z, K)\n  w = take(z, ids)";
  EXPECT_EQ(routerError(router, "y = x"),
            "tiny.yaml:17:1: error: no tensor with an index 'e' in front is "
            "used: all experts would be equal");
  EXPECT_EQ(routerError(router, "y = sum(linear(x, up))"),
            "tiny.yaml:17:1: error: 'y' is [], expected a row of numbers");
  EXPECT_EQ(routerError(router, "z = x"),
            "tiny.yaml:17:1: error: the program gives no value to 'y'");
}

} // namespace
} // namespace moec::hf

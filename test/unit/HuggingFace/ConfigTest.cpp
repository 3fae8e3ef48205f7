//===- ConfigTest.cpp - Configurations --------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Defaults, types, ranges, aliases, unknown keys and the family of a model;
// every error by its whole message.
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

namespace moec::hf {
namespace {

llvm::Expected<BoundConfig> bind(llvm::StringRef text) {
  llvm::Expected<ConfigFile> file = ConfigFile::parse("config.json", text);
  if (!file)
    return file.takeError();
  llvm::Expected<const Family *> family = detectFamily(families(), *file);
  if (!family)
    return family.takeError();
  return bindConfig(**family, *file);
}

TEST(ConfigTest, DefaultsAndValues) {
  BoundConfig config =
      valueOf(bind(R"({"model_type": "mixtral", "hidden_size": 64})"));
  EXPECT_EQ(config.values["hidden_size"].str(), "64");
  EXPECT_EQ(config.values["num_local_experts"].str(), "8");
  EXPECT_EQ(config.values["hidden_act"].str(), "\"silu\"");
  EXPECT_TRUE(config.warnings.empty());
}

TEST(ConfigTest, NestedSectionsAndPaths) {
  BoundConfig llama = valueOf(bind(R"({
    "model_type": "llama4",
    "text_config": {"model_type": "llama4_text", "hidden_size": 96}})"));
  EXPECT_EQ(llama.values["hidden_size"].str(), "96");
  BoundConfig dbrx = valueOf(
      bind(R"({"model_type": "dbrx", "ffn_config": {"moe_top_k": 3}})"));
  EXPECT_EQ(dbrx.values["ffn_config.moe_top_k"].str(), "3");
  EXPECT_EQ(dbrx.values["ffn_config.moe_num_experts"].str(), "4");
}

TEST(ConfigTest, Aliases) {
  EXPECT_EQ(valueOf(bind(R"({"model_type": "qwen3_moe",
                             "num_local_experts": 16})"))
                .values["num_experts"]
                .str(),
            "16");
  EXPECT_EQ(messageOf(bind(R"({"model_type": "qwen3_moe",
                               "num_experts": 8, "num_local_experts": 16})")),
            "config.json: keys 'num_experts' and 'num_local_experts' mean the "
            "same and contradict each other: 8 and 16; remove one");
}

TEST(ConfigTest, WrongValues) {
  EXPECT_EQ(messageOf(bind(R"({"model_type": "mixtral",
                               "num_local_experts": "eight"})")),
            "config.json: key 'num_local_experts' is \"eight\", expected an "
            "integer");
  EXPECT_EQ(messageOf(bind(R"({"model_type": "mixtral",
                               "num_local_experts": null})")),
            "config.json: key 'num_local_experts' is null, expected an "
            "integer");
  EXPECT_EQ(messageOf(bind(R"({"model_type": "deepseek_v3",
                               "n_group": 2.5})")),
            "config.json: key 'n_group' is 2.5, expected an integer or null");
  EXPECT_EQ(messageOf(bind(R"({"model_type": "mixtral",
                               "hidden_size": 18446744073709551615})")),
            "config.json: key 'hidden_size' is 18446744073709551615, expected "
            "an integer");
  EXPECT_EQ(messageOf(bind(R"({"model_type": "deepseek_v3",
                               "scoring_func": "softmax"})")),
            "config.json: key 'scoring_func' is \"softmax\"; this family's "
            "modelling code defines \"sigmoid\" only");
  EXPECT_EQ(messageOf(bind(R"({"model_type": "qwen2_moe",
                               "decoder_sparse_step": 0})")),
            "config.json: key 'decoder_sparse_step' is 0; it must be at least "
            "1");
  EXPECT_EQ(messageOf(bind(R"({"model_type": "deepseek_v2"})")),
            "config.json: key 'num_experts_per_tok' is missing; this family "
            "has no default for it");
}

TEST(ConfigTest, UnknownKeys) {
  // Known to be about something else, switched off, or worth a warning.
  BoundConfig config = valueOf(bind(R"({
    "model_type": "mixtral", "rope_theta": 1e6, "num_shared_experts": 0,
    "moe_fancy": false, "quux": 1, "frobnicate": {"a": 2}})"));
  ASSERT_EQ(config.warnings.size(), 1u);
  EXPECT_EQ(config.warnings[0],
            "config.json: keys that family mixtral does not read are passed "
            "over: frobnicate, moe_fancy, num_shared_experts, quux");
  EXPECT_EQ(
      messageOf(bind(R"({"model_type": "mixtral",
                               "moe_capacity_factor": 1.25})")),
      "config.json: key 'moe_capacity_factor' is 1.25, and family mixtral "
      "does not know what it means; its name says that it changes what "
      "the MoE block computes, so it is not passed over; describe it "
      "with --family-file, under 'keys' or 'ignored'");
}

TEST(ConfigTest, UnknownFamily) {
  std::string message = messageOf(bind(R"({"model_type": "bert"})"));
  EXPECT_EQ(message.substr(0, 88),
            "config.json: model_type 'bert' is of no family known; the "
            "families known are afmoe, aria");
  EXPECT_TRUE(llvm::StringRef(message).ends_with(
      ", zaya; describe another with --family-file"));
  EXPECT_EQ(messageOf(bind(R"({"hidden_size": 64})")).substr(0, 90),
            "config.json: key 'model_type' is missing, so the family of this "
            "model is not known; the fa");
}

TEST(ConfigTest, NoConfiguration) {
  EXPECT_EQ(messageOf(ConfigFile::parse("config.json", "[1, 2]")),
            "config.json: this is no JSON object; a model's config.json is");
  EXPECT_EQ(messageOf(ConfigFile::parse("config.json", "{\"a\": 1, \"a\": 2}"))
                .substr(0, 12),
            "config.json:");
}

} // namespace
} // namespace moec::hf

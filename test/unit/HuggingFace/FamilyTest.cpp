//===- FamilyTest.cpp - Reading family descriptions -------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sections, inheritance and the errors of a description's author; every built-
// in description is read.
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

namespace moec::hf {
namespace {

constexpr llvm::StringLiteral small = R"(family: tiny
summary: a test
match: {model_type: [tiny]}
keys:
  hidden_size: int
  experts: {default: 8, aliases: [num_experts], min: 1}
  act: {default: silu, values: [silu, relu]}
  layers: 2
  scale: number?
dims: {H: hidden_size, E: experts, K: 2, I: 4}
layers:
  - {name: "layers.{n}", count: layers, prefix: "l.{n}."}
tensors: |
  gate[e: E, h: H] = "gate"
  w1[e: E, i: I, h: H] = "{e}.up"
  w2[e: E, h: H, i: I] = "{e}.down"
router: |
  z = linear(x, gate)
  ids = top_k(z, K)
  w = softmax(take(z, ids))
expert: |
  y = linear(act(act, linear(x, w1)), w2)
)";

std::string replaced(llvm::StringRef from, llvm::StringRef to) {
  std::string text = small.str();
  size_t at = text.find(from.str());
  EXPECT_NE(at, std::string::npos) << from.str();
  return text.replace(at, from.size(), to.str());
}

std::string familyError(llvm::StringRef text) {
  std::unique_ptr<FamilyRegistry> registry = valueOf(FamilyRegistry::create());
  std::string message = messageOf(registry->add("tiny.yaml", text));
  return message.substr(0, message.find('\n'));
}

TEST(FamilyTest, Reads) {
  std::unique_ptr<FamilyRegistry> registry = valueOf(FamilyRegistry::create());
  ASSERT_FALSE(registry->add("tiny.yaml", small));
  const Family *family = registry->findByModelType("tiny");
  ASSERT_TRUE(family);
  EXPECT_EQ(family->summary, "a test");
  EXPECT_TRUE(family->findKey("hidden_size")->required);
  EXPECT_EQ(family->findKey("experts")->aliases,
            std::vector<std::string>{"num_experts"});
  EXPECT_EQ(family->findKey("experts")->minimum, 1.0);
  EXPECT_FALSE(family->findKey("scale")->required);
  EXPECT_TRUE(family->findKey("scale")->nullable);
  EXPECT_EQ(family->tensors.size(), 3u);
}

TEST(FamilyTest, BuiltInFamilies) {
  EXPECT_GE(families().names().size(), 68u);
  EXPECT_EQ(families().findByModelType("kimi_k2")->name, "deepseek_v3");
}

TEST(FamilyTest, ExtendsAnother) {
  std::unique_ptr<FamilyRegistry> registry = valueOf(FamilyRegistry::create());
  ASSERT_FALSE(registry->add("mine.yaml", R"(family: mine
extends: mixtral
match: {model_type: [mine]}
keys: {num_local_experts: 16}
tensors: |
  gate[e: E, h: H] = "router.weight"
)"));
  const Family *family = registry->findByModelType("mine");
  const Family *mixtral = registry->findByName("mixtral");
  EXPECT_EQ(family->findKey("num_local_experts")->defaultValue,
            Value(int64_t{16}));
  EXPECT_EQ(family->tensors.size(), mixtral->tensors.size());
  EXPECT_EQ(family->tensors.back().sources[0], "router.weight");
  EXPECT_EQ(family->summary, mixtral->summary);
}

TEST(FamilyTest, OwnDescriptionGoesFirst) {
  std::unique_ptr<FamilyRegistry> registry = valueOf(FamilyRegistry::create());
  ASSERT_FALSE(registry->add("mine.yaml", "family: mixtral\n"
                                          "extends: mixtral\n"
                                          "summary: mine\n"
                                          "match: {model_type: [mixtral]}\n"));
  EXPECT_EQ(registry->findByModelType("mixtral")->summary, "mine");
}

TEST(FamilyTest, Errors) {
  EXPECT_EQ(familyError("summary: x\n"),
            "tiny.yaml:1:1: error: a family "
            "description begins with 'family: NAME'");
  EXPECT_EQ(familyError("family: x\nextends: nobody\n"),
            "tiny.yaml:2:10: error: there is no family 'nobody' to extend");
  EXPECT_EQ(familyError(replaced("summary: a test\n", "")),
            "tiny.yaml:1:9: error: the family has no section 'summary'");
  EXPECT_EQ(familyError(replaced("summary:", "sumary:")),
            "tiny.yaml:2:1: error: 'sumary' is no section of a family "
            "description; there are family, extends, summary, match, config, "
            "keys, remove, let, dims, inputs, outputs, check, ignored, small, "
            "layers, "
            "tensors, router, expert, ..._expert and block");
  EXPECT_EQ(familyError(replaced("min: 1", "minimum: 1")),
            "tiny.yaml:6:49: error: a key has 'type', 'default', 'aliases' (a "
            "list), 'values' (a list) and 'min' (a number)");
  EXPECT_EQ(familyError(replaced("name: \"layers.{n}\"", "name: \"layers\"")),
            "tiny.yaml:12:6: error: the name of a stack of layers contains "
            "'{n}', the number of the layer");
  EXPECT_EQ(familyError(replaced("top_k(z, K)", "top_k(z, K")),
            "tiny.yaml:20:3: error: expected ',', found 'w'");
  EXPECT_EQ(familyError(replaced("softmax(take", "softmax((take")),
            "tiny.yaml:21:1: error: expected ',', found the end of the line");
}

} // namespace
} // namespace moec::hf

//===- YamlTest.cpp - The YAML that descriptions are written in -*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is read, where errors point, and what is refused.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/HuggingFace/Yaml.h"
#include "TestSupport.h"

namespace moec::hf {
namespace {

TEST(YamlTest, PlacesOfScalars) {
  Sources sources;
  llvm::StringRef text = sources.add("test.yaml", "a: b c\n"
                                                  "list: [1, \"two\"]\n"
                                                  "router: |\n"
                                                  "  z = 1\n"
                                                  "\n"
                                                  "    w = 2\n"
                                                  "last: x\n");
  std::unique_ptr<YamlNode> root = valueOf(parseYaml(sources, text));
  EXPECT_EQ(root->find("a")->text.text, "b c");
  EXPECT_EQ(sources.place(root->find("a")->text.at(2)), "test.yaml:1:6");
  EXPECT_EQ(valueOf(root->find("list")->toValue(sources)).str(),
            "[1, \"two\"]");
  const Snippet &program = root->find("router")->text;
  EXPECT_EQ(program.text, "z = 1\n\n  w = 2\n");
  EXPECT_EQ(sources.place(program.at(0)), "test.yaml:4:3");
  EXPECT_EQ(sources.place(program.at(9)), "test.yaml:6:5");
}

TEST(YamlTest, Values) {
  Sources sources;
  auto value = [&](llvm::StringRef text) {
    std::unique_ptr<YamlNode> root =
        valueOf(parseYaml(sources, sources.add("test.yaml", text)));
    return valueOf(root->find("a")->toValue(sources)).str();
  };
  EXPECT_EQ(value("a: 8"), "8");
  EXPECT_EQ(value("a: -1"), "-1");
  EXPECT_EQ(value("a: 1.0e-6"), "1e-06");
  EXPECT_EQ(value("a: true"), "true");
  EXPECT_EQ(value("a: null"), "null");
  EXPECT_EQ(value("a: []"), "[]");
  EXPECT_EQ(value("a: silu"), "\"silu\"");
  EXPECT_EQ(value("a: \"8\""), "\"8\"");
}

std::string yamlError(llvm::StringRef text) {
  Sources sources;
  std::string message =
      messageOf(parseYaml(sources, sources.add("test.yaml", text)));
  return message.substr(0, message.find('\n'));
}

TEST(YamlTest, Refusals) {
  EXPECT_EQ(yamlError("a: 1\na: 2\n"),
            "test.yaml:2:1: error: 'a' stands here twice");
  EXPECT_EQ(yamlError("a: &x 1\n"),
            "test.yaml:1:7: error: an anchor has no place "
            "in a family description");
  EXPECT_EQ(yamlError("a: !t 1\n"),
            "test.yaml:1:7: error: a tag has no place in "
            "a family description");
  EXPECT_EQ(yamlError("a: >\n  b\n  c\n"),
            "test.yaml:2:1: error: a folded block has no place in a family "
            "description");
  EXPECT_EQ(yamlError("a: [1, 2\n").substr(0, 10), "test.yaml:");
  EXPECT_EQ(yamlError("a: " + std::string(100, '[')),
            "test.yaml:1:68: error: nested more than 64 deep");
  EXPECT_EQ(yamlError(std::string(2 << 20, 'a')),
            "test.yaml:1:1: error: a description of 2097152 bytes; the limit "
            "is 1048576");
}

} // namespace
} // namespace moec::hf

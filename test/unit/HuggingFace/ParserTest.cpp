//===- ParserTest.cpp - Lexer and parser of the description language -*- C++
//-*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Trees are compared by their text; errors by the whole message with its
// excerpt.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/HuggingFace/Parser.h"
#include "TestSupport.h"

namespace moec::hf {
namespace {

std::string parsed(llvm::StringRef text) {
  Sources sources;
  return toString(
      *valueOf(parseExpression(sources, makeSnippet(sources, text))));
}

std::string parseError(llvm::StringRef text) {
  Sources sources;
  return messageOf(parseExpression(sources, makeSnippet(sources, text)));
}

TEST(ParserTest, BindingStrength) {
  EXPECT_EQ(parsed("a + b * c"), "a + b * c");
  EXPECT_EQ(parsed("(a + b) * c"), "(a + b) * c");
  EXPECT_EQ(parsed("a - (b - c)"), "a - (b - c)");
  EXPECT_EQ(parsed("a - b - c"), "a - b - c");
  EXPECT_EQ(parsed("not a and b or c"), "not a and b or c");
  EXPECT_EQ(parsed("not (a or b)"), "not (a or b)");
  EXPECT_EQ(parsed("n not in moe_layers"), "n not in moe_layers");
  EXPECT_EQ(parsed("-a[0] * 2"), "-a[0] * 2");
  EXPECT_EQ(parsed("a if b else c if d else e"), "a if b else c if d else e");
  EXPECT_EQ(parsed("x // 2 % 3"), "x // 2 % 3");
}

TEST(ParserTest, Literals) {
  EXPECT_EQ(parsed("[1, 2.5, true, null, \"a b\"]"),
            "[1, 2.5, true, null, \"a b\"]");
  EXPECT_EQ(parsed("1e-20"), "1e-20");
  EXPECT_EQ(parsed("-inf"), "-inf");
  EXPECT_EQ(parsed("ffn_config.moe_top_k"), "ffn_config.moe_top_k");
}

TEST(ParserTest, CallsAndSlices) {
  EXPECT_EQ(parsed("normalize(take(s, ids), eps: 1e-20)"),
            "normalize(take(s, ids), eps: 1e-20)");
  EXPECT_EQ(parsed("z[0:E] + z[E:] + z[:E] + z[1]"),
            "z[0:E] + z[E:] + z[:E] + z[1]");
}

TEST(ParserTest, Errors) {
  EXPECT_EQ(parseError("a + "), "test.yaml:1:5: error: expected a value, found "
                                "the end of the line\na + \n    ^");
  EXPECT_EQ(parseError("a b"), "test.yaml:1:3: error: expected the end of the "
                               "expression, found 'b'\na b\n  ^");
  EXPECT_EQ(parseError("f(x"),
            "test.yaml:1:4: error: expected ',', found the end "
            "of the line\nf(x\n   ^");
  EXPECT_EQ(parseError("f(k: 1, x)"),
            "test.yaml:1:9: error: an argument without a name stands behind "
            "one with a name\nf(k: 1, x)\n        ^");
  EXPECT_EQ(parseError("a if b"),
            "test.yaml:1:7: error: expected 'else', found "
            "the end of the line\na if b\n      ^");
  EXPECT_EQ(parseError("a ? b"), "test.yaml:1:3: error: this character has no "
                                 "meaning here\na ? b\n  ^");
  EXPECT_EQ(parseError("\"abc"), "test.yaml:1:1: error: this string has no "
                                 "closing quote on its line\n\"abc\n^");
  EXPECT_EQ(parseError("12abc"),
            "test.yaml:1:1: error: a number is followed by "
            "letters\n12abc\n^");
  EXPECT_EQ(parseError("99999999999999999999"),
            "test.yaml:1:1: error: '99999999999999999999' does not fit in 64 "
            "bits\n99999999999999999999\n^");
  EXPECT_EQ(parseError("else"),
            "test.yaml:1:1: error: expected a value, found 'else'\nelse\n^");
}

TEST(ParserTest, NestingIsLimited) {
  std::string deep(100, '(');
  EXPECT_NE(parseError(deep).find("nested more than 64 deep"),
            std::string::npos);
  EXPECT_NE(parseError(std::string(200, '-') + "1").find("nested more than"),
            std::string::npos);
  std::string many = "1";
  for (int i = 0; i < 2000; ++i)
    many += "+1";
  EXPECT_NE(
      parseError(many).find("a statement of more than 1000 words and signs"),
      std::string::npos);
}

TEST(ParserTest, Programs) {
  Sources sources;
  StatementList program = valueOf(parseProgram(
      sources, makeSnippet(sources, "z = linear(x, gate)\n"
                                    "# a comment\n"
                                    "\n"
                                    "ids, w = f(z,\n"
                                    "           1)  if a == 1\n")));
  ASSERT_EQ(program.size(), 2u);
  EXPECT_EQ(program[0].targets, std::vector<std::string>{"z"});
  EXPECT_EQ(program[0].guard, nullptr);
  EXPECT_EQ(program[1].targets, (std::vector<std::string>{"ids", "w"}));
  EXPECT_EQ(toString(*program[1].value), "f(z, 1)");
  EXPECT_EQ(toString(*program[1].guard), "a == 1");
  EXPECT_EQ(sources.place(program[1].loc), "test.yaml:4:1");
}

TEST(ParserTest, ProgramErrors) {
  Sources sources;
  auto message = [&](llvm::StringRef text) {
    return messageOf(parseProgram(sources, makeSnippet(sources, text)));
  };
  EXPECT_EQ(message("a = 1\nb + 2\n"),
            "test.yaml:2:3: error: expected '=', found '+'\nb + 2\n  ^");
  EXPECT_EQ(message("if = 2"),
            "test.yaml:1:1: error: expected a name, found 'if'\nif = 2\n^");
  EXPECT_EQ(message("a.b = 2"),
            "test.yaml:1:1: error: a name has no dots\na.b = 2\n^");
}

TEST(ParserTest, Tensors) {
  Sources sources;
  auto tensors = valueOf(parseTensors(
      sources,
      makeSnippet(sources, "w1[e: E, i: I] = \"up\"[e, 2*i] of [E, 2*I]\n"
                           "w2[h: H] = mxfp4(\"b\", \"s\") if shared > 0\n")));
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors[0].name, "w1");
  EXPECT_EQ(tensors[0].indices[1].name, "i");
  EXPECT_EQ(toString(*tensors[0].subscript[1]), "2 * i");
  EXPECT_EQ(toString(*tensors[0].fileShape[1]), "2 * I");
  EXPECT_EQ(tensors[1].form, StorageForm::Mxfp4);
  EXPECT_EQ(tensors[1].sources, (std::vector<std::string>{"b", "s"}));
  EXPECT_FALSE(tensors[1].hasSubscript);
  EXPECT_EQ(toString(*tensors[1].guard), "shared > 0");
  EXPECT_EQ(
      messageOf(parseTensors(sources, makeSnippet(sources, "w[e: E] = up"))),
      "test.yaml:1:11: error: expected the name of a tensor in quotes, "
      "found 'up'\nw[e: E] = up\n          ^");
}

} // namespace
} // namespace moec::hf

//===- EvaluateTest.cpp - Evaluation of constant expressions ----*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values by their text, errors by the first line of the message.
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"
#include "moec/Import/HuggingFace/Parser.h"

namespace moec::hf {
namespace {

llvm::Expected<Value> evaluateText(Sources &sources, llvm::StringRef text) {
  ExprPtr expr = valueOf(parseExpression(sources, makeSnippet(sources, text)));
  return evaluate(
      sources, *expr, [](llvm::StringRef name) -> std::optional<Value> {
        if (name == "n")
          return Value(int64_t{5});
        if (name == "none")
          return Value();
        if (name == "list")
          return Value(Value::List{Value(int64_t{1}), Value(int64_t{5})});
        if (name == "act")
          return Value(std::string("silu"));
        return std::nullopt;
      });
}

std::string result(llvm::StringRef text) {
  Sources sources;
  return valueOf(evaluateText(sources, text)).str();
}

std::string firstLine(llvm::StringRef text) {
  Sources sources;
  std::string message = messageOf(evaluateText(sources, text));
  return message.substr(0, message.find('\n'));
}

TEST(EvaluateTest, Arithmetic) {
  EXPECT_EQ(result("2 + 3 * 4"), "14");
  EXPECT_EQ(result("7 // 2"), "3");
  EXPECT_EQ(result("-7 // 2"), "-4");
  EXPECT_EQ(result("-7 % 3"), "2");
  EXPECT_EQ(result("7 / 2"), "3.5");
  EXPECT_EQ(result("2 * 0.5"), "1");
  EXPECT_EQ(result("ceil(2.1) + floor(2.9)"), "5");
  EXPECT_EQ(result("isqrt(17)"), "4");
  EXPECT_EQ(result("min(3, 2) + max(1, n)"), "7");
}

TEST(EvaluateTest, LogicAndLists) {
  EXPECT_EQ(result("n in list and n != 4"), "true");
  EXPECT_EQ(result("n not in [5]"), "false");
  EXPECT_EQ(result("none or [7]"), "[7]");
  EXPECT_EQ(result("none == null"), "true");
  EXPECT_EQ(result("list[1]"), "5");
  EXPECT_EQ(result("\"abc\"[1]"), "\"b\"");
  EXPECT_EQ(result("len(list)"), "2");
  EXPECT_EQ(result("act == \"silu\""), "true");
  EXPECT_EQ(result("1 if none else 2"), "2");
  EXPECT_EQ(result("all_within(list, 0, 6)"), "true");
  EXPECT_EQ(result("all_within(list, 0, 5)"), "false");
  EXPECT_EQ(result("numbers(\"3, 4,5\")"), "[3, 4, 5]");
  // What stands behind is not looked at.
  EXPECT_EQ(result("false and list[9]"), "false");
}

TEST(EvaluateTest, Errors) {
  EXPECT_EQ(firstLine("unknown + 1"),
            "test.yaml:1:1: error: 'unknown' is neither a key of this family "
            "nor defined before");
  EXPECT_EQ(firstLine("1 + 2 // (n - 5)"),
            "test.yaml:1:7: error: 'n - 5' is 0 here, and nothing is divided "
            "by 0");
  EXPECT_EQ(firstLine("9223372036854775807 + 1"),
            "test.yaml:1:21: error: '9223372036854775807 + 1' with "
            "9223372036854775807 and 1 does not fit in 64 bits");
  EXPECT_EQ(firstLine("list[2]"), "test.yaml:1:5: error: index 2 into 'list', "
                                  "which has 2 elements");
  EXPECT_EQ(firstLine("act * 2"), "test.yaml:1:5: error: '*' is not defined "
                                  "for \"silu\" (a string) and 2 (an integer)");
  EXPECT_EQ(firstLine("top_k(1, 2)"),
            "test.yaml:1:1: error: 'top_k' is not a function on constants");
  EXPECT_EQ(firstLine("ceil(1e300)"), "test.yaml:1:1: error: ceil of 1e+300 is "
                                      "no integer below 9e15");
  EXPECT_EQ(firstLine("numbers(\"3,x\")"),
            "test.yaml:1:1: error: \"3,x\" is no list of integers separated by "
            "commas");
}

} // namespace
} // namespace moec::hf

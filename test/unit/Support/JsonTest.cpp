//===- JsonTest.cpp - JSON from files that nobody vouches for ---*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What JSON's own rules leave open, and what bad text is answered with.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Json.h"
#include "TestFiles.h"

#include <cmath>

using namespace llvm;
using namespace moec;

namespace {

TEST(JsonTest, documentsAreBuilt) {
  auto document = parseJson(
      R"({"a": [1, -2, 2.5, true, null, "x", [], {}], "b": {"c": {"d": 7}}})",
      "f.json");
  ASSERT_TRUE(bool(document)) << message(std::move(document));
  EXPECT_EQ(document->dump(), "{\"a\":[1,-2,2.5,true,null,\"x\",[],{}],"
                              "\"b\":{\"c\":{\"d\":7}}}");
  EXPECT_EQ(cantFail(parseJson("3", "f.json")), 3);
}

TEST(JsonTest, pythonsNonFiniteNumbersAreNumbers) {
  auto document = cantFail(parseJson(
      R"({"a": [Infinity, -Infinity, NaN], "NaN": "Infinity \" NaN"})",
      "f.json"));
  EXPECT_EQ(document["a"][0].get<double>(), INFINITY);
  EXPECT_EQ(document["a"][1].get<double>(), -INFINITY);
  EXPECT_TRUE(std::isnan(document["a"][2].get<double>()));
  EXPECT_EQ(document["NaN"], "Infinity \" NaN");
}

TEST(JsonTest, badTextIsExplained) {
  std::string deep(100, '[');
  const std::pair<std::string, const char *> cases[] = {
      {"", "f.json: not valid JSON: parse error at line 1, column 1: syntax "
           "error while parsing value - unexpected end of input; expected '[', "
           "'{', or a literal"},
      {"{\"a\": 1,}",
       "f.json: not valid JSON: parse error at line 1, column 9: syntax error "
       "while parsing object key - unexpected '}'; expected string literal"},
      {"{\"a\":\n  1} x",
       "f.json: not valid JSON: parse error at line 2, column 6: syntax error "
       "while parsing value - invalid literal; last read: '1} x'; expected end "
       "of input"},
      {"{\"a\": 1, \"b\": {\"a\": 2}, \"a\": 3}",
       "f.json: the key 'a' appears twice in one object; keep one of them"},
      {deep, "f.json: nested deeper than 64 levels; flatten it"},
      {"\"\xff\"",
       "f.json: not valid JSON: parse error at line 1, column 2: syntax error "
       "while parsing value - invalid string: ill-formed UTF-8 byte; last "
       "read: '\"\\xff'"},
      {"1e999", "f.json: not valid JSON: number overflow parsing '1e999'"},
  };
  for (const auto &[text, want] : cases)
    EXPECT_EQ(message(parseJson(text, "f.json")), want);
  EXPECT_EQ(message(parseJson("[[1]]", "f.json", /*maxDepth=*/1)),
            "f.json: nested deeper than 1 levels; flatten it");
}

TEST(JsonTest, longTokensAreCut) {
  std::string text = "\"" + std::string(100000, 'x');
  EXPECT_LT(message(parseJson(text, "f.json")).size(), 400u);
}

TEST(JsonTest, filesAreRead) {
  TempDir dir;
  EXPECT_EQ(cantFail(readJson(dir.write("a.json", "[1]")))[0], 1);
  EXPECT_EQ(message(readJson(dir.path("b.json")), dir.path()),
            "cannot open DIR/b.json: No such file or directory; check the "
            "path");
  EXPECT_EQ(message(readJson(dir.path("a.json"), /*maxBytes=*/2), dir.path()),
            "DIR/a.json: the file has 3 bytes, but at most 2 are read; is it "
            "the right file?");
}

} // namespace

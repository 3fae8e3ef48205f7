//===- HeaderTest.cpp - the JSON header of a safetensors file ---*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a good header yields, and a table of hostile ones with the message of
// each.
//
//===----------------------------------------------------------------------===//

#include "TestFiles.h"
#include "moec/Import/Safetensors/SafetensorsFile.h"

using namespace llvm;
using namespace moec;

namespace {

/// A header with one tensor 'a' of the given fields.
std::string one(StringRef dtype, StringRef shape, StringRef offsets) {
  return ("{\"a\":{\"dtype\":" + dtype + ",\"shape\":" + shape +
          ",\"data_offsets\":" + offsets + "}}")
      .str();
}

/// A header with u8 vectors: their names, begins and ends.
std::string
many(std::initializer_list<std::tuple<const char *, int, int>> all) {
  std::string text = "{";
  for (auto [name, begin, end] : all) {
    if (text.size() > 1)
      text += ",";
    text += fmt::format("\"{}\":{{\"dtype\":\"U8\",\"shape\":[{}],"
                        "\"data_offsets\":[{},{}]}}",
                        name, end - begin, begin, end);
  }
  return text + "}";
}

TEST(HeaderTest, aGoodHeaderIsSortedAndComplete) {
  auto header = parseSafetensorsHeader(
      R"({"__metadata__":{"format":"pt","b":"x"},)"
      R"("w.1":{"shape":[2,3],"data_offsets":[4,16],"dtype":"BF16"},)"
      R"("empty":{"dtype":"F32","shape":[0,7],"data_offsets":[4,4]},)"
      R"("scalar":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
      R"("mx":{"dtype":"F4","shape":[2,3],"data_offsets":[16,19]}}   )",
      19, "f");
  ASSERT_TRUE(bool(header)) << message(std::move(header));
  ASSERT_EQ(header->tensors.size(), 4u);
  const SafetensorsEntry &empty = header->tensors[0], &w = header->tensors[3];
  EXPECT_EQ(empty.name, "empty");
  EXPECT_EQ(empty.bytes(), 0u);
  EXPECT_EQ(w.name, "w.1");
  EXPECT_EQ(w.dtype, DType::BF16);
  EXPECT_EQ(w.shape, (Shape{2, 3}));
  EXPECT_EQ(w.begin, 4u);
  EXPECT_EQ(w.end, 16u);
  ASSERT_EQ(header->metadata.size(), 2u);
  EXPECT_EQ(header->metadata[1].second, "x");
  EXPECT_EQ(message(parseSafetensorsHeader("{}", 0, "f")), "");
}

TEST(HeaderTest, badHeadersAreExplained) {
  std::string rank65 = "[";
  for (int i = 0; i < 65; ++i)
    rank65 += i ? ",1" : "1";
  rank65 += "]";
  struct Case {
    std::string text;
    uint64_t dataBytes;
    const char *want;
  };
  const Case cases[] = {
      // Not the JSON that a header is.
      {"", 0, "the header does not start with '{'"},
      {" {}", 0, "the header does not start with '{'"},
      {"[]", 0, "the header does not start with '{'"},
      {"{\"a\":", 0,
       "the header is not valid JSON: parse error at line 1, column 6: syntax "
       "error while parsing value - unexpected end of input; expected '[', "
       "'{', or a literal"},
      {"{} x", 0,
       "the header is not valid JSON: parse error at line 1, column 4: syntax "
       "error while parsing value - invalid literal; last read: '{} x'; "
       "expected end of input"},
      {"{\"\xc3\":1}", 0,
       "the header is not valid JSON: parse error at line 1, column 4: syntax "
       "error while parsing object key - invalid string: ill-formed UTF-8 "
       "byte; last read: '\"\\xc3\"'; expected string literal"},
      {"{\"a\":" + std::string(100000, '['), 0,
       "tensor 'a' is described by an array, but must be by an object"},
      {"{\"a\":7}", 0,
       "tensor 'a' is described by a number, but must be by an object"},
      {"{\"a\":\"x\"}", 0,
       "tensor 'a' is described by a string, but must be by an object"},
      // Metadata.
      {"{\"__metadata__\":[]}", 0,
       "'__metadata__' is an array, but must be an object"},
      {"{\"__metadata__\":{\"k\":{}}}", 0,
       "'__metadata__' has an object for 'k', but its values are strings"},
      {"{\"__metadata__\":{\"k\":true}}", 0,
       "'__metadata__' has a boolean for 'k', but its values are strings"},
      {"{\"__metadata__\":{\"k\":\"a\",\"k\":\"b\"}}", 0,
       "'__metadata__' has the key 'k' twice"},
      {"{\"__metadata__\":{},\"__metadata__\":{}}", 0,
       "'__metadata__' appears twice"},
      // The fields of a tensor.
      {"{\"a\":{}}", 0, "tensor 'a' has no 'dtype'"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[]}}", 0,
       "tensor 'a' has no 'data_offsets'"},
      {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 0,
       "tensor 'a' has the key 'dtype' twice"},
      {"{\"a\":{\"stride\":1}}", 0, "tensor 'a' has the unknown key 'stride'"},
      {one("7", "[]", "[0,1]"), 1,
       "tensor 'a' has a number for 'dtype', which must be a string"},
      {one("null", "[]", "[0,1]"), 1,
       "tensor 'a' has null for 'dtype', which must be a string"},
      {one("[]", "[]", "[0,1]"), 1,
       "tensor 'a' has an array for 'dtype', which must be a string"},
      {one("\"F31\"", "[]", "[0,1]"), 1,
       "tensor 'a' has the dtype 'F31', which is not one of the format's"},
      {one("\"f32\"", "[]", "[0,4]"), 4,
       "tensor 'a' has the dtype 'f32', which is not one of the format's"},
      {one("\"U8\"", "1", "[0,1]"), 1,
       "tensor 'a' has a number for 'shape', which must be an array of "
       "integers"},
      {one("\"U8\"", "{}", "[0,1]"), 1,
       "tensor 'a' has an object for 'shape', which must be an array of "
       "integers"},
      {one("\"U8\"", "[[1]]", "[0,1]"), 1,
       "tensor 'a' has an array in its shape, which holds integers"},
      {one("\"U8\"", "[\"1\"]", "[0,1]"), 1,
       "tensor 'a' has a string in its shape, which holds integers"},
      {one("\"U8\"", "[-1]", "[0,1]"), 1,
       "tensor 'a' has the dimension -1, but a dimension is an integer from 0 "
       "to 2^63 - 1"},
      {one("\"U8\"", "[1.5]", "[0,1]"), 1,
       "tensor 'a' has the dimension '1.5', but a dimension is an integer from "
       "0 to 2^63 - 1"},
      {one("\"U8\"", "[9223372036854775808]", "[0,1]"), 1,
       "tensor 'a' has the dimension 9223372036854775808, but a dimension is "
       "an integer from 0 to 2^63 - 1"},
      {one("\"U8\"", "[99999999999999999999]", "[0,1]"), 1,
       "tensor 'a' has the dimension '99999999999999999999', but a dimension "
       "is an integer from 0 to 2^63 - 1"},
      {one("\"U8\"", rank65, "[0,1]"), 1,
       "tensor 'a' has more than 64 dimensions"},
      {one("\"U8\"", "[1]", "[-1,0]"), 1,
       "tensor 'a' has the offset -1, but an offset is an integer from 0 to "
       "2^64 - 1"},
      {one("\"U8\"", "[1]", "[0]"), 1,
       "tensor 'a' has fewer than the 2 data_offsets, begin and end"},
      {one("\"U8\"", "[1]", "[0,1,2]"), 1,
       "tensor 'a' has more than the 2 data_offsets, begin and end"},
      {one("\"U8\"", "[1]", "[0,null]"), 1,
       "tensor 'a' has null in its data_offsets, which holds integers"},
      // Sizes.
      {one("\"U8\"", "[4294967296,4294967296]", "[0,0]"), 0,
       "tensor 'a' has the shape [4294967296, 4294967296], whose product "
       "exceeds 2^63 - 1"},
      {one("\"U8\"", "[0,4294967296,4294967296]", "[0,0]"), 0,
       "tensor 'a' has the shape [0, 4294967296, 4294967296], whose product "
       "exceeds 2^63 - 1"},
      {one("\"F32\"", "[2305843009213693952]", "[0,0]"), 0,
       "tensor 'a' has the shape [2305843009213693952] of F32 (32 bits each), "
       "which is no whole number of bytes up to 2^60"},
      {one("\"F4\"", "[3]", "[0,2]"), 2,
       "tensor 'a' has the shape [3] of F4 (4 bits each), which is no whole "
       "number of bytes up to 2^60"},
      {one("\"F32\"", "[2,2]", "[0,20]"), 20,
       "tensor 'a' has 20 bytes, but its shape [2, 2] of F32 takes 16"},
      // Places.
      {one("\"U8\"", "[1]", "[2,1]"), 2,
       "tensor 'a' begins at byte 2, after its end at 1"},
      {one("\"U8\"", "[5]", "[0,5]"), 4,
       "tensor 'a' ends at byte 5, but the file has 4 bytes of data"},
      {one("\"U8\"", "[5]", "[18446744073709551611,18446744073709551615]"), 4,
       "tensor 'a' ends at byte 18446744073709551615, but the file has 4 bytes "
       "of data"},
      {many({{"a", 0, 4}, {"b", 3, 6}}), 6,
       "tensor 'b' begins at byte 3, inside tensor 'a', which ends at 4"},
      {many({{"a", 0, 4}, {"b", 0, 4}}), 4,
       "tensor 'b' begins at byte 0, inside tensor 'a', which ends at 4"},
      {many({{"a", 0, 4}, {"b", 6, 8}}), 8,
       "bytes 4 to 6 before tensor 'b' belong to no tensor"},
      {many({{"a", 1, 4}}), 4,
       "bytes 0 to 1 before tensor 'a' belong to no tensor"},
      {many({{"a", 0, 4}}), 5,
       "the tensors end at byte 4, but the file has 5 bytes of data"},
      {"{}", 3, "the tensors end at byte 0, but the file has 3 bytes of data"},
      {many({{"a", 0, 4}, {"b", 4, 5}, {"a", 5, 6}}), 6,
       "tensor 'a' appears twice"},
      // Names are never printed as they came.
      {many({{"\\u001b[2J", 0, 4}}), 5,
       "the tensors end at byte 4, but the file has 5 bytes of data"},
      {many({{"\\u001b[2J", 0, 4}}), 3,
       "tensor '\\x1b[2J' ends at byte 4, but the file has 3 bytes of data"},
  };
  for (const Case &test : cases)
    EXPECT_EQ(message(parseSafetensorsHeader(test.text, test.dataBytes, "f")),
              fmt::format("f: {}; the file is damaged: fetch or write it again",
                          test.want))
        << test.text.substr(0, 200);
}

} // namespace

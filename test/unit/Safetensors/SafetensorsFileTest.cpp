//===- SafetensorsFileTest.cpp - reading one safetensors file ---*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The frame around the header, and reads inside and outside of tensors.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/Safetensors/SafetensorsFile.h"
#include "TestFiles.h"

#include <unistd.h>

using namespace llvm;
using namespace moec;

namespace {

/// A file that says its header has `length` bytes.
std::string framed(uint64_t length, StringRef rest) {
  std::string text;
  for (int i = 0; i < 8; ++i)
    text += char(length >> (8 * i) & 255);
  return text + rest.str();
}

const std::string header =
    R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
    R"("b":{"dtype":"I16","shape":[3],"data_offsets":[4,10]}})";
const std::string good = framed(header.size(), header + "abcd123456");

TEST(SafetensorsFileTest, tensorsAreRead) {
  TempDir dir;
  auto file = cantFail(SafetensorsFile::open(dir.write("f", good)));
  EXPECT_EQ(file.tensors().size(), 2u);
  EXPECT_EQ(file.find("c"), nullptr);
  const SafetensorsEntry *b = file.find("b");
  ASSERT_NE(b, nullptr);
  uint8_t bytes[3];
  ASSERT_EQ(message(file.read(*b, 2, bytes)), "");
  EXPECT_EQ(StringRef(reinterpret_cast<char *>(bytes), 3), "345");
  EXPECT_EQ(message(file.read(*b, 4, bytes), dir.path()),
            "DIR/f: 3 bytes were to be read at offset 4 of tensor 'b', which "
            "has 6");
  EXPECT_EQ(message(file.read(*b, UINT64_MAX, bytes), dir.path()),
            "DIR/f: 3 bytes were to be read at offset 18446744073709551615 of "
            "tensor 'b', which has 6");

  HostTensor whole = cantFail(readTensor(file, "b"));
  EXPECT_EQ(whole.dtype, DType::I16);
  EXPECT_EQ(whole.shape, (Shape{3}));
  EXPECT_EQ(whole.bytes, (std::vector<uint8_t>{'1', '2', '3', '4', '5', '6'}));
  EXPECT_EQ(message(readTensor(file, "hidden"), dir.path()),
            "DIR/f: there is no tensor 'hidden' among the 2 of the file");
}

TEST(SafetensorsFileTest, badFramesAreExplained) {
  TempDir dir;
  const std::pair<std::string, const char *> cases[] = {
      {"", "the file has 0 bytes, but a safetensors file starts with the 8 of "
           "its header's length; fetch or write it again"},
      {"1234567", "the file has 7 bytes, but a safetensors file starts with "
                  "the 8 of its header's length; fetch or write it again"},
      {framed(uint64_t(1) << 60, "{}"),
       "the header's length is 1152921504606846976, but 2 bytes follow it; the "
       "file is damaged or no safetensors file: fetch or write it again"},
      {framed(UINT64_MAX, "{}"),
       "the header's length is 18446744073709551615, but 2 bytes follow it; "
       "the file is damaged or no safetensors file: fetch or write it again"},
      {framed(3, "{}"),
       "the header's length is 3, but 2 bytes follow it; the file is damaged "
       "or no safetensors file: fetch or write it again"},
      {framed(0, ""), "the header does not start with '{'; the file is "
                      "damaged: fetch or write it again"},
      {good.substr(0, good.size() - 1),
       "tensor 'b' ends at byte 10, but the file has 9 bytes of data; the file "
       "is damaged: fetch or write it again"},
      {good + "x", "the tensors end at byte 10, but the file has 11 bytes of "
                   "data; the file is damaged: fetch or write it again"},
  };
  for (const auto &[text, want] : cases)
    EXPECT_EQ(message(SafetensorsFile::open(dir.write("f", text)), dir.path()),
              std::string("DIR/f: ") + want);
}

TEST(SafetensorsFileTest, aHeaderIsNotReadBeyondTheLimit) {
  TempDir dir;
  dir.write("f", framed(maxSafetensorsHeader + 1, "{"));
  ASSERT_EQ(truncate(dir.path("f").c_str(), 200'000'000), 0);
  EXPECT_EQ(message(SafetensorsFile::open(dir.path("f")), dir.path()),
            "DIR/f: the header's length is 100000001, but at most 100000000 "
            "bytes are read; split the file");
}

TEST(SafetensorsFileTest, everyTruncationIsAnError) {
  TempDir dir;
  for (size_t length = 0; length < good.size(); ++length)
    EXPECT_NE(
        message(SafetensorsFile::open(dir.write("f", good.substr(0, length)))),
        "")
        << length;
}

TEST(SafetensorsFileTest, aFileCutAfterOpeningIsAnError) {
  TempDir dir;
  auto file = cantFail(SafetensorsFile::open(dir.write("f", good)));
  ASSERT_EQ(truncate(dir.path("f").c_str(), off_t(good.size() - 3)), 0);
  EXPECT_EQ(message(readTensor(file, "b"), dir.path()),
            fmt::format("DIR/f: the file had {} bytes when it was opened and "
                        "now ends at {}; do not change it while it is read",
                        good.size(), good.size() - 3));
}

} // namespace

//===- TextTest.cpp - text for people ---------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Units at their edges, and text that must not reach a terminal as it is.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Text.h"
#include "TestFiles.h"
#include "moec/Support/Error.h"

#include <cerrno>

using namespace llvm;
using namespace moec;

namespace {

TEST(TextTest, bytesHaveTwoToFourDigits) {
  const std::pair<uint64_t, const char *> cases[] = {
      {0, "0 B"},
      {1023, "1023 B"},
      {1024, "1.0 KiB"},
      {10137, "9.9 KiB"},
      {10240, "10 KiB"},
      {1023 << 10, "1023 KiB"},
      {(1 << 20) - 1, "1.0 MiB"},
      {1288490189, "1.2 GiB"},
      {uint64_t(480) * 1000 * 1000 * 1000 * 2, "894 GiB"},
      {UINT64_MAX, "16 EiB"},
  };
  for (auto [bytes, text] : cases)
    EXPECT_EQ(formatBytes(bytes), text);
}

TEST(TextTest, countsHaveTwoToThreeDigits) {
  const std::pair<uint64_t, const char *> cases[] = {
      {0, "0"},
      {999, "999"},
      {1000, "1.0 k"},
      {3400, "3.4 k"},
      {999499, "999 k"},
      {999500, "1.0 M"},
      {12000000, "12 M"},
      {480000000000, "480 G"},
      {UINT64_MAX, "18 E"},
  };
  for (auto [count, text] : cases)
    EXPECT_EQ(formatCount(count), text);
}

TEST(TextTest, foreignTextIsMadeHarmless) {
  EXPECT_EQ(printable("plain \xc3\xa9\xe2\x82\xac"),
            "plain \xc3\xa9\xe2\x82\xac");
  EXPECT_EQ(printable(StringRef("a\0b\n\x1b[31m\x7f", 10)),
            "a\\x00b\\x0a\\x1b[31m\\x7f");
  // A C1 control, a stray continuation byte, a cut sequence, a bidi override.
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");
  EXPECT_EQ(printable("\x80x\xe2\x82"), "\\x80x\\xe2\\x82");
  EXPECT_EQ(printable("\xe2\x80\xae"), "\\xe2\\x80\\xae");
}

TEST(TextTest, longTextIsCut) {
  EXPECT_EQ(quote("abc"), "'abc'");
  EXPECT_EQ(quote("abcdef", 4), "'abcd...'");
  EXPECT_EQ(quote(std::string(300, 'x')).size(), 205u);
}

TEST(TextTest, smallThings) {
  EXPECT_EQ(formatShape({}), "[]");
  EXPECT_EQ(formatShape({8, 16}), "[8, 16]");
  EXPECT_EQ(plural(0, "tensor"), "0 tensors");
  EXPECT_EQ(plural(1, "tensor"), "1 tensor");
  EXPECT_EQ(fmt::format("<{:>4}>", StringRef("ab")), "<  ab>");
}

TEST(ErrorTest, systemErrorsSayWhatToDo) {
  const std::pair<int, const char *> cases[] = {
      {ENOSPC, "cannot write a/b: No space left on device; free some space or "
               "choose another place"},
      {EROFS, "cannot write a/b: Read-only file system; choose a place that "
              "can be written to"},
      {EACCES, "cannot write a/b: Permission denied; check its permissions or "
               "choose another place"},
      {ENOENT, "cannot write a/b: No such file or directory; check the path"},
      {EINVAL, "cannot write a/b: Invalid argument"},
  };
  for (auto [number, text] : cases)
    EXPECT_EQ(message(fileError("write", "a/b", number)), text);
}

} // namespace

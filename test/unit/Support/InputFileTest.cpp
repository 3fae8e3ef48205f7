//===- InputFileTest.cpp - reading files piece by piece ---------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is refused, files that change, and how many stay open.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/InputFile.h"
#include "TestFiles.h"

#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;
using namespace moec;

namespace {

unsigned countOpenFiles() {
  unsigned count = 0;
  std::error_code code;
  for (sys::fs::directory_iterator it("/proc/self/fd", code), end;
       !code && it != end; it.increment(code))
    ++count;
  return count;
}

TEST(InputFileTest, readsAtOffsets) {
  TempDir dir;
  auto file = cantFail(InputFile::open(dir.write("f", "abcdef")));
  EXPECT_EQ(file->size(), 6u);
  uint8_t bytes[3];
  EXPECT_EQ(message(file->read(2, bytes)), "");
  EXPECT_EQ(StringRef(reinterpret_cast<char *>(bytes), 3), "cde");
  EXPECT_EQ(message(file->read(6, MutableArrayRef<uint8_t>())), "");
  EXPECT_EQ(message(file->read(4, bytes), dir.path()),
            "DIR/f: 3 bytes were to be read at offset 4, but the file has 6; "
            "fetch or write it again");
  EXPECT_EQ(message(file->read(UINT64_MAX, bytes), dir.path()),
            "DIR/f: 3 bytes were to be read at offset 18446744073709551615, "
            "but the file has 6; fetch or write it again");
}

TEST(InputFileTest, onlyRegularFilesAreOpened) {
  TempDir dir;
  ASSERT_EQ(mkfifo(dir.path("pipe").c_str(), 0600), 0);
  const std::pair<std::string, const char *> cases[] = {
      {dir.path(), "cannot read DIR: it is a directory; give a regular file"},
      {dir.path("pipe"),
       "cannot read DIR/pipe: it is not a regular file; give a regular file"},
      {dir.path("none"),
       "cannot open DIR/none: No such file or directory; check the path"},
      {std::string("a\0b", 3), "cannot open a\\x00b: Invalid argument"},
  };
  for (const auto &[path, want] : cases)
    EXPECT_EQ(message(InputFile::open(path), dir.path()), want);
}

TEST(InputFileTest, aFileThatShrinksIsAnError) {
  TempDir dir;
  auto file = cantFail(InputFile::open(dir.write("f", "abcdef")));
  ASSERT_EQ(truncate(dir.path("f").c_str(), 3), 0);
  uint8_t bytes[6];
  EXPECT_EQ(message(file->read(0, bytes), dir.path()),
            "DIR/f: the file had 6 bytes when it was opened and now ends at 3; "
            "do not change it while it is read");
}

TEST(InputFileCacheTest, opensAgainAndKeepsFewOpen) {
  TempDir dir;
  InputFileCache cache(2);
  unsigned before = countOpenFiles();
  std::vector<std::pair<std::string, FileIdentity>> files;
  for (int i = 0; i < 10; ++i) {
    std::string path =
        dir.write(std::to_string(i), std::string(1, char('a' + i)));
    auto file = cantFail(InputFile::open(path));
    files.emplace_back(path, file->identity());
    cache.add(file);
  }
  EXPECT_EQ(countOpenFiles(), before + 2);
  for (int i = 0; i < 10; ++i) {
    auto file = cantFail(cache.get(files[i].first, files[i].second));
    uint8_t byte;
    EXPECT_EQ(message(file->read(0, byte)), "");
    EXPECT_EQ(byte, 'a' + i);
  }
  EXPECT_EQ(countOpenFiles(), before + 2);
}

TEST(InputFileCacheTest, aReplacedFileIsAnError) {
  TempDir dir;
  InputFileCache cache(1);
  std::string path = dir.write("f", "abc");
  FileIdentity identity = cantFail(InputFile::open(path))->identity();
  dir.write("g", "abcdef");
  ASSERT_EQ(rename(dir.path("g").c_str(), path.c_str()), 0);
  EXPECT_EQ(message(cache.get(path, identity), dir.path()),
            "DIR/f: the file changed while it was in use (3 bytes, then 6); do "
            "not change it while it is read");
}

} // namespace

//===- OutputFileTest.cpp - files that appear whole or not at all -*- C++ -*-=//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Before, without and after a commit, and write errors.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/OutputFile.h"
#include "TestFiles.h"
#include "moec/Support/OutputDir.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace llvm;
using namespace moec;

namespace {

using Names = std::vector<std::string>;

TEST(OutputFileTest, appearsOnCommit) {
  TempDir dir;
  dir.write("f", "old");
  {
    auto file = cantFail(OutputFile::create(dir.path("f")));
    ASSERT_EQ(message(file.write("new")), "");
    EXPECT_EQ(dir.read("f"), "old");
    EXPECT_EQ(dir.list().size(), 2u);
    ASSERT_EQ(message(file.commit()), "");
  }
  EXPECT_EQ(dir.read("f"), "new");
  EXPECT_EQ(dir.list(), Names{"f"});
}

TEST(OutputFileTest, leavesNothingWithoutACommit) {
  TempDir dir;
  dir.write("f", "old");
  {
    auto file = cantFail(OutputFile::create(dir.path("f")));
    ASSERT_EQ(message(file.write("new")), "");
    OutputFile moved = std::move(file);
    EXPECT_EQ(dir.list().size(), 2u);
  }
  EXPECT_EQ(dir.read("f"), "old");
  EXPECT_EQ(dir.list(), Names{"f"});
}

TEST(OutputFileTest, piecesOfAnySizeKeepTheirOrder) {
  TempDir dir;
  auto file = cantFail(OutputFile::create(dir.path("f")));
  std::string want;
  for (size_t size : {1, 70000, 0, 5, 65536, 65535, 2, 200000, 3}) {
    std::string piece(size, char('a' + want.size() % 26));
    ASSERT_EQ(message(file.write(piece)), "");
    want += piece;
    EXPECT_EQ(file.offset(), want.size());
  }
  ASSERT_EQ(message(file.writeZeros(10)), "");
  ASSERT_EQ(message(file.write("end")), "");
  ASSERT_EQ(message(file.commit()), "");
  EXPECT_EQ(dir.read("f"), want + std::string(10, '\0') + "end");
}

TEST(OutputFileTest, zerosTakeNoSpace) {
  TempDir dir;
  auto file = cantFail(OutputFile::create(dir.path("f")));
  ASSERT_EQ(message(file.writeZeros(uint64_t(1) << 32)), "");
  ASSERT_EQ(message(file.commit()), "");
  struct stat status;
  ASSERT_EQ(stat(dir.path("f").c_str(), &status), 0);
  EXPECT_EQ(uint64_t(status.st_size), uint64_t(1) << 32);
  EXPECT_LT(status.st_blocks, 1000);
}

TEST(OutputFileTest, threadsWriteAtOffsets) {
  TempDir dir;
  auto file = cantFail(OutputFile::create(dir.path("f")));
  std::vector<std::thread> threads;
  for (int i = 3; i >= 0; --i)
    threads.emplace_back([&, i] {
      std::vector<uint8_t> bytes(1000, uint8_t('a' + i));
      EXPECT_EQ(message(file.writeAt(uint64_t(i) * 1000, bytes)), "");
    });
  for (std::thread &thread : threads)
    thread.join();
  ASSERT_EQ(message(file.commit()), "");
  std::string want;
  for (char c : {'a', 'b', 'c', 'd'})
    want.append(1000, c);
  EXPECT_EQ(dir.read("f"), want);
}

TEST(OutputFileTest, aLinkIsWrittenThrough) {
  TempDir dir;
  dir.write("real", "old");
  ASSERT_EQ(symlink("real", dir.path("link").c_str()), 0);
  ASSERT_EQ(message(writeTextFile(dir.path("link"), "new")), "");
  EXPECT_EQ(dir.read("real"), "new");
  EXPECT_TRUE(sys::fs::is_symlink_file(dir.path("link")));
}

TEST(OutputFileTest, placesThatCannotBeWritten) {
  TempDir dir;
  const std::pair<std::string, const char *> cases[] = {
      {"", "cannot create '': Invalid argument"},
      {dir.path("none/f"),
       "cannot create DIR/none/f: No such file or directory; check the path"},
      {dir.path(), "cannot write DIR: it is a directory; choose another name"},
      {"/dev/null",
       "cannot write /dev/null: it is not a regular file; choose another name"},
      {"/proc/f",
       "cannot create /proc/f: No such file or directory; check the path"},
  };
  for (const auto &[path, want] : cases)
    EXPECT_EQ(message(OutputFile::create(path), dir.path()), want);
}

TEST(OutputFileTest, tooLargeIsAnErrorAndNoSignal) {
  TempDir dir;
  rlimit before, limit;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  limit = before;
  limit.rlim_cur = 100000;
  auto file = cantFail(OutputFile::create(dir.path("f")));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::string whole = message(file.write(std::string(200000, 'x')), dir.path());
  std::string zeros = message(file.writeZeros(1 << 20), dir.path());
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  StringRef want = "cannot write DIR/f: File too large; raise the limit on "
                   "file sizes (ulimit -f) or choose another place";
  EXPECT_EQ(whole, want);
  EXPECT_EQ(zeros, want);
  EXPECT_EQ(message(file.writeAt(UINT64_MAX, uint8_t(0)), dir.path()), want);
}

/// A file system of 64 KiB of one's own, in a mount namespace that ends with
/// this process. /dev/full cannot stand in: only regular files are written.
class SmallDisk {
public:
  explicit SmallDisk(std::string path) : path(std::move(path)) {
    EXPECT_FALSE(sys::fs::create_directory(this->path));
    isMounted =
        unshare(CLONE_NEWNS) == 0 &&
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        mount("tmpfs", this->path.c_str(), "tmpfs", 0, "size=64k") == 0;
  }
  ~SmallDisk() {
    if (isMounted)
      umount(path.c_str());
  }
  bool makeReadOnly() const {
    return mount("none", path.c_str(), nullptr, MS_REMOUNT | MS_RDONLY,
                 nullptr) == 0;
  }

  bool isMounted = false;
  std::string path;
};

TEST(OutputFileTest, aFullDiskIsAnError) {
  TempDir dir;
  SmallDisk disk(dir.path("small"));
  if (!disk.isMounted)
    GTEST_SKIP() << "no right to mount a tmpfs";
  {
    auto file = cantFail(OutputFile::create(disk.path + "/f"));
    EXPECT_EQ(message(file.write(std::string(200000, 'x')), dir.path()),
              "cannot write DIR/small/f: No space left on device; free some "
              "space or choose another place");
  }
  EXPECT_EQ(dir.list("small"), Names{});
}

TEST(OutputFileTest, aReadOnlyDiskIsAnError) {
  TempDir dir;
  SmallDisk disk(dir.path("small"));
  if (!disk.isMounted || !disk.makeReadOnly())
    GTEST_SKIP() << "no right to mount a tmpfs";
  EXPECT_EQ(message(OutputFile::create(disk.path + "/f"), dir.path()),
            "cannot create DIR/small/f: Read-only file system; choose a place "
            "that can be written to");
  EXPECT_EQ(message(OutputDir::create(disk.path + "/b", "marker"), dir.path()),
            "cannot create DIR/small/b: Read-only file system; choose a place "
            "that can be written to");
}

} // namespace

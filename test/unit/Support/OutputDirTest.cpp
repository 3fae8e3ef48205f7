//===- OutputDirTest.cpp - directories that appear whole or not -*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What may be replaced, what is left behind, and what a reader sees meanwhile.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/OutputDir.h"
#include "TestFiles.h"
#include "moec/Support/OutputFile.h"

#include <atomic>
#include <cstddef>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace llvm;
using namespace moec;

namespace {

using Names = std::vector<std::string>;

/// Fills a bundle with one text and commits it.
std::string put(StringRef path, StringRef text) {
  auto dir = OutputDir::create(path, "marker");
  if (!dir)
    return message(std::move(dir));
  if (Error error = writeTextFile(dir->file("marker"), text))
    return message(std::move(error));
  return message(dir->commit());
}

TEST(OutputDirTest, appearsOnCommit) {
  TempDir dir;
  {
    auto out = cantFail(OutputDir::create(dir.path("b"), "marker"));
    EXPECT_EQ(out.path(), dir.path("b"));
    ASSERT_EQ(message(writeTextFile(out.file("marker"), "one")), "");
    ASSERT_FALSE(sys::fs::create_directory(out.file("sub")));
    ASSERT_EQ(message(writeTextFile(out.file("sub/x"), "x")), "");
    EXPECT_FALSE(sys::fs::exists(dir.path("b")));
    ASSERT_EQ(message(out.commit()), "");
    EXPECT_TRUE(out.temporaryPath().empty());
  }
  EXPECT_EQ(dir.read("b/marker"), "one");
  EXPECT_EQ(dir.read("b/sub/x"), "x");
  EXPECT_EQ(dir.list(), Names{"b"});
  struct stat status;
  ASSERT_EQ(stat(dir.path("b").c_str(), &status), 0);
  mode_t mask = umask(0);
  umask(mask);
  EXPECT_EQ(status.st_mode & 0777, 0777 & ~mask);
}

TEST(OutputDirTest, replacesItsOwnKind) {
  TempDir dir;
  ASSERT_EQ(put(dir.path("b"), "one"), "");
  dir.write("b/extra", "from the old one");
  ASSERT_EQ(put(dir.path("b/"), "two"), "");
  EXPECT_EQ(dir.read("b/marker"), "two");
  EXPECT_EQ(dir.list("b"), Names{"marker"});
  EXPECT_EQ(dir.list(), Names{"b"});
  ASSERT_FALSE(sys::fs::create_directory(dir.path("empty")));
  EXPECT_EQ(put(dir.path("empty"), "three"), "");
}

TEST(OutputDirTest, leavesTheOldOneWithoutACommit) {
  TempDir dir;
  ASSERT_EQ(put(dir.path("b"), "one"), "");
  {
    auto out = cantFail(OutputDir::create(dir.path("b"), "marker"));
    ASSERT_EQ(message(writeTextFile(out.file("marker"), "two")), "");
    OutputDir moved = std::move(out);
  }
  EXPECT_EQ(dir.read("b/marker"), "one");
  EXPECT_EQ(dir.list(), Names{"b"});
}

TEST(OutputDirTest, refusesWhatIsNotItsOwn) {
  TempDir dir;
  ASSERT_FALSE(sys::fs::create_directory(dir.path("home")));
  dir.write("home/thesis.txt", "");
  dir.write("file", "");
  ASSERT_EQ(symlink("nowhere", dir.path("dangling").c_str()), 0);
  const std::pair<std::string, const char *> cases[] = {
      {dir.path("home"),
       "cannot write DIR/home: the directory is not empty and has no marker, "
       "so it was not made by moec; move it away or choose another name"},
      {dir.path("file"), "cannot write DIR/file: it is a file, not a "
                         "directory; move it away or choose another name"},
      {dir.path("none/b"),
       "cannot create DIR/none/b: No such file or directory; check the path"},
      {dir.path("dangling"),
       "cannot create DIR/dangling: No such file or directory; check the path"},
      {"/", "cannot write /: it is no name for a new directory; choose "
            "another"},
      {dir.path(".."), "cannot write DIR/..: it is no name for a new "
                       "directory; choose another"},
      {"", "cannot create '': Invalid argument"},
  };
  for (const auto &[path, want] : cases)
    EXPECT_EQ(message(OutputDir::create(path, "marker"), dir.path()), want);
  EXPECT_EQ(dir.list("home"), Names{"thesis.txt"});
  EXPECT_EQ(dir.list(), (Names{"dangling", "file", "home"}));
}

TEST(OutputDirTest, refusesAtCommitWhatCameMeanwhile) {
  TempDir dir;
  auto out = cantFail(OutputDir::create(dir.path("b"), "marker"));
  EXPECT_EQ(message(out.commit(), dir.path()),
            "DIR/b: the directory was not given its marker, so it is not put "
            "in place");
  ASSERT_EQ(message(writeTextFile(out.file("marker"), "one")), "");
  ASSERT_FALSE(sys::fs::create_directory(dir.path("b")));
  dir.write("b/other", "");
  EXPECT_EQ(message(out.commit(), dir.path()),
            "cannot write DIR/b: the directory is not empty and has no marker, "
            "so it was not made by moec; move it away or choose another name");
  EXPECT_EQ(dir.list("b"), Names{"other"});
}

TEST(OutputDirTest, aLinkedDirectoryIsReplacedBehindTheLink) {
  TempDir dir;
  ASSERT_FALSE(sys::fs::create_directory(dir.path("disk")));
  ASSERT_EQ(put(dir.path("disk/b"), "one"), "");
  ASSERT_EQ(symlink("disk/b", dir.path("link").c_str()), 0);
  ASSERT_EQ(put(dir.path("link"), "two"), "");
  EXPECT_TRUE(sys::fs::is_symlink_file(dir.path("link")));
  EXPECT_EQ(dir.read("disk/b/marker"), "two");
  EXPECT_EQ(dir.list("disk"), Names{"b"});
}

TEST(OutputDirTest, theTemporaryOfALiveRunIsLeftAlone) {
  TempDir dir;
  auto one = cantFail(OutputDir::create(dir.path("b"), "marker"));
  auto two = cantFail(OutputDir::create(dir.path("b"), "marker"));
  EXPECT_EQ(dir.list().size(), 2u);
  ASSERT_EQ(message(writeTextFile(one.file("marker"), "one")), "");
  ASSERT_EQ(message(writeTextFile(two.file("marker"), "two")), "");
  ASSERT_EQ(message(two.commit()), "");
  ASSERT_EQ(message(one.commit()), "");
  EXPECT_EQ(dir.read("b/marker"), "one");
  EXPECT_EQ(dir.list(), Names{"b"});
}

/// Makes renameat2() fail in this process as on a file system that cannot
/// exchange two names. Returns whether the kernel lets it.
bool forbidExchange() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  sock_fprog program = {std::size(filter), filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST(OutputDirTest, replacesInTwoStepsWhereNamesCannotBeExchanged) {
  TempDir dir;
  ASSERT_EQ(put(dir.path("b"), "one"), "");
  constexpr int cannotForbid = 77;
  pid_t child = fork();
  if (child == 0)
    _exit(forbidExchange() ? put(dir.path("b"), "two") != "" : cannotForbid);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == cannotForbid)
    GTEST_SKIP() << "the kernel has no seccomp filters";
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(dir.read("b/marker"), "two");
  EXPECT_EQ(dir.list(), Names{"b"});
}

TEST(OutputDirTest, aReaderAlwaysFindsOne) {
  TempDir dir;
  ASSERT_EQ(put(dir.path("b"), "0"), "");
  std::atomic<bool> done = false;
  unsigned missing = 0;
  std::thread reader([&] {
    while (!done)
      missing += access(dir.path("b/marker").c_str(), R_OK) != 0;
  });
  for (int i = 1; i <= 50; ++i)
    EXPECT_EQ(put(dir.path("b"), std::to_string(i)), "");
  done = true;
  reader.join();
  EXPECT_EQ(missing, 0u);
  EXPECT_EQ(dir.read("b/marker"), "50");
}

} // namespace

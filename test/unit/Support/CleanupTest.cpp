//===- CleanupTest.cpp - nothing half-written is left behind ----*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Removal of trees, and child processes that end in several ways while they
// own temporaries.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Cleanup.h"
#include "TestFiles.h"
#include "moec/Support/OutputDir.h"
#include "moec/Support/OutputFile.h"
#include "llvm/Support/Compiler.h"

#include <csignal>
#include <functional>
#include <sys/wait.h>
#include <unistd.h>

using namespace llvm;
using namespace moec;

namespace {

using Names = std::vector<std::string>;

/// Runs `body` in a child process and returns how that ended.
int inChild(const std::function<void()> &body) {
  pid_t child = fork();
  if (child == 0) {
    body();
    _exit(0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

/// Makes a file and a directory of files, not committed.
struct HalfDone {
  explicit HalfDone(const TempDir &dir)
      : file(cantFail(OutputFile::create(dir.path("f")))),
        out(cantFail(OutputDir::create(dir.path("b"), "marker"))) {
    cantFail(file.write("half"));
    cantFail(writeTextFile(out.file("marker"), "half"));
    cantFail(errorCodeToError(sys::fs::create_directory(out.file("sub"))));
    cantFail(writeTextFile(out.file("sub/x"), "half"));
  }
  OutputFile file;
  OutputDir out;
};

TEST(CleanupTest, treesAreRemovedAndLinksNotFollowed) {
  TempDir dir;
  dir.write("outside", "stays");
  ASSERT_FALSE(sys::fs::create_directories(dir.path("t/a/b")));
  for (int i = 0; i < 500; ++i)
    dir.write("t/a/file-with-a-name-of-some-length-" + std::to_string(i), "");
  ASSERT_EQ(symlink("../outside", dir.path("t/link").c_str()), 0);
  ASSERT_EQ(symlink("..", dir.path("t/up").c_str()), 0);
  EXPECT_EQ(removeTree(dir.path("t").c_str()), 0);
  EXPECT_EQ(dir.list(), Names{"outside"});
  EXPECT_EQ(removeTree(dir.path("none").c_str()), 0);
  EXPECT_EQ(removeTree(dir.path("outside").c_str()), 0);
  EXPECT_EQ(dir.list(), Names{});
}

TEST(CleanupTest, signalsRemoveTemporariesAndStillKill) {
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGABRT, SIGPIPE}) {
    TempDir dir;
    int status = inChild([&] {
      // Test runners start their children with SIGINT ignored.
      std::signal(signal, SIG_DFL);
      HalfDone work(dir);
      raise(signal);
    });
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), signal);
    EXPECT_EQ(dir.list(), Names{}) << signal;
  }
}

#if !LLVM_ADDRESS_SANITIZER_BUILD
// AddressSanitizer turns a fault into a report and an exit.
TEST(CleanupTest, aFaultRemovesTemporariesAndStillKills) {
  TempDir dir;
  int status = inChild([&] {
    HalfDone work(dir);
    *static_cast<volatile int *>(nullptr) = 0;
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
  EXPECT_EQ(dir.list(), Names{});
}
#endif

TEST(CleanupTest, exitRemovesTemporaries) {
  TempDir dir;
  int status = inChild([&] {
    HalfDone work(dir);
    exit(3);
  });
  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_EQ(dir.list(), Names{});
}

TEST(CleanupTest, anIgnoredSignalStaysIgnored) {
  TempDir dir;
  int status = inChild([&] {
    signal(SIGHUP, SIG_IGN);
    HalfDone work(dir);
    raise(SIGHUP);
    cantFail(work.file.commit());
    cantFail(work.out.commit());
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(dir.list(), (Names{"b", "f"}));
}

TEST(CleanupTest, aCriticalSectionIsFinishedFirst) {
  TempDir dir;
  int status = inChild([&] {
    HalfDone work(dir);
    CriticalSection section;
    raise(SIGTERM);
    cantFail(work.file.commit());
    {
      CriticalSection inner;
    }
    cantFail(work.out.commit());
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
  EXPECT_EQ(dir.list(), (Names{"b", "f"}));
}

TEST(CleanupTest, placesOfTheListAreReused) {
  TempDir dir;
  for (int i = 0; i < 100; ++i) {
    TemporaryPath path(dir.write("x", ""));
    TemporaryPath moved = std::move(path);
    EXPECT_TRUE(path.empty());
  }
  EXPECT_EQ(dir.list(), Names{});
  TemporaryPath kept(dir.write("y", ""));
  kept.release();
  kept.reset();
  EXPECT_EQ(dir.list(), Names{"y"});
}

TEST(CleanupTest, theNextRunCleansUpAfterAKilledOne) {
  TempDir dir;
  int status = inChild([&] {
    OutputDir out = cantFail(OutputDir::create(dir.path("b"), "marker"));
    cantFail(writeTextFile(out.file("marker"), "half"));
    raise(SIGKILL);
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(dir.list().size(), 1u);
  cantFail(OutputDir::create(dir.path("b"), "marker"));
  EXPECT_EQ(dir.list(), Names{});
}

} // namespace

//===- WorkspaceTest.cpp - memory a context keeps for its calls -----------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Growth, alignment and refusal.
//
//===----------------------------------------------------------------------===//

#include "Workspace.h"

#include <gtest/gtest.h>

namespace moec {

TEST(WorkspaceTest, growsAndNeverShrinks) {
  Workspace workspace;
  EXPECT_EQ(workspace.data(), nullptr);
  ASSERT_FALSE(workspace.reserve(0).failed());
  for (int64_t bytes : {1, 64, 65, 100000, 1 << 21, 3 << 20}) {
    ASSERT_FALSE(workspace.reserve(bytes).failed());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(workspace.data()) % 64, 0u);
    workspace.data()[bytes - 1] = 1;
  }
  char *grown = workspace.data();
  ASSERT_FALSE(workspace.reserve(5).failed());
  EXPECT_EQ(workspace.data(), grown);
}

TEST(WorkspaceTest, tooMuchIsAnErrorAndKeepsWhatThereIs) {
  Workspace workspace;
  ASSERT_FALSE(workspace.reserve(128).failed());
  char *before = workspace.data();
  for (int64_t bytes : {INT64_MAX, INT64_MAX - 63, int64_t(1) << 62}) {
    Status status = workspace.reserve(bytes);
    EXPECT_EQ(status.code(), MOEC_ERROR_SYSTEM);
    EXPECT_EQ(status.message(),
              fmt::format("cannot allocate {} bytes of workspace; split the "
                          "batch",
                          bytes));
  }
  EXPECT_EQ(workspace.data(), before);
}

TEST(WorkspaceTest, alignsUp) {
  int64_t aligned = -1;
  EXPECT_FALSE(alignUp(0, aligned));
  EXPECT_EQ(aligned, 0);
  EXPECT_FALSE(alignUp(65, aligned));
  EXPECT_EQ(aligned, 128);
  EXPECT_TRUE(alignUp(INT64_MAX, aligned));
}

} // namespace moec

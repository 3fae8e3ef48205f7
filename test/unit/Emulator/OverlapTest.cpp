//===- OverlapTest.cpp - Launches that begin early ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a launch may touch before it has waited for those before it.
//
//===----------------------------------------------------------------------===//

#include "TestKernel.h"

using namespace moec;
using namespace moec::emulator;

namespace {

/// Copies a number, with BEFORE and BETWEEN in front of the read and the write.
const char *const overlapping = R"(
declare void @llvm.nvvm.griddepcontrol.wait()
declare void @llvm.nvvm.griddepcontrol.launch.dependents()
define ptx_kernel void @k(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  BEFORE
  %v = load i32, ptr addrspace(1) %in, align 4
  BETWEEN
  store i32 %v, ptr addrspace(1) %out, align 4
  ret void
}
)";

const char *const waitForLaunch = "call void @llvm.nvvm.griddepcontrol.wait()",
                  *const letNext =
                      "call void @llvm.nvvm.griddepcontrol.launch.dependents()";

/// What is found in the last of three launches, each of which reads what the
/// one before it wrote, or, `older`, the one before that.
std::string findingsOfThird(const std::string &before,
                            const std::string &between, bool older) {
  std::string text = overlapping;
  auto put = [&](llvm::StringRef name, const std::string &code) {
    text.replace(text.find(name), name.size(), code);
  };
  put("BEFORE\n", before + "\n");
  put("BETWEEN\n", between + "\n");
  TestKernel kernel(text);
  auto a = kernel.buffer<int32_t>("a", 1), b = kernel.buffer<int32_t>("b", 1),
       c = kernel.buffer<int32_t>("c", 1), d = kernel.buffer<int32_t>("d", 1);
  LaunchConfig config{{1, 1, 1}, {1, 1, 1}};
  (void)kernel.launch(config, a.address(), b.address());
  config.overlaps = true;
  (void)kernel.launch(config, b.address(), c.address());
  return kernel.launch(config, older ? b.address() : c.address(), d.address())
      .text();
}

/// Whether `part` is in `text`; if not, says so.
testing::AssertionResult contains(const std::string &text,
                                  const std::string &part) {
  if (text.find(part) != std::string::npos)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << "not found in: " << text;
}

TEST(OverlapTest, OverlappingLaunchesWaitBeforeTheyReadOrWrite) {
  EXPECT_FALSE(
      contains(findingsOfThird(waitForLaunch, letNext, false), "launch-order"));
  std::string late = findingsOfThird("", waitForLaunch, false);
  EXPECT_TRUE(contains(late, "launch-order"));
  EXPECT_TRUE(contains(late, "read at byte 0 of buffer 'c' before "
                             "griddepcontrol.wait: a launch before this one "
                             "stores there"));
  EXPECT_TRUE(contains(findingsOfThird("", "", true),
                       "write at byte 0 of buffer 'd' before "
                       "griddepcontrol.wait: a launch before this one may "
                       "still read it"));
}

TEST(OverlapTest, WhatOlderLaunchesStoredIsThereIfTheLastHadWaited) {
  EXPECT_FALSE(
      contains(findingsOfThird("", waitForLaunch, true), "launch-order"));
  EXPECT_TRUE(contains(findingsOfThird(letNext, waitForLaunch, true),
                       "buffer 'b' before griddepcontrol.wait"));
}

} // namespace

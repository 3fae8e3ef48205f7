//===- ExampleTest.cpp - the example program in C -------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs what test/Runtime/run_layer.c was compiled to.
//
//===----------------------------------------------------------------------===//

#include "TestBundle.h"

#include <sys/wait.h>

namespace moec {

/// The exit code of the example with `arguments`, and what it prints.
static int runExample(const std::string &arguments, std::string &output) {
  std::string command = MOEC_RUN_LAYER " " + arguments + " 2>&1";
  FILE *pipe = popen(command.c_str(), "r");
  if (!pipe)
    return -1;
  char buffer[256];
  output.clear();
  while (fgets(buffer, sizeof(buffer), pipe))
    output += buffer;
  return WEXITSTATUS(pclose(pipe));
}

TEST(ExampleTest, runsALayer) {
  TestBundle bundle;
  std::string first, again;
  EXPECT_EQ(runExample(bundle.path() + " layer 5", first), 0);
  EXPECT_EQ(first.rfind("layer: 5 tokens, 3 of 4 experts each, checksum ", 0),
            0u)
      << first;
  EXPECT_EQ(runExample(bundle.path() + " layer 5", again), 0);
  EXPECT_EQ(first, again);
}

TEST(ExampleTest, saysWhatIsWrong) {
  TestBundle bundle;
  std::string output;
  EXPECT_EQ(runExample("/nonexistent layer 1", output), 1);
  EXPECT_EQ(output,
            "run_layer: cannot open '/nonexistent/manifest.json': No such file "
            "or directory; give the directory that moec compile wrote\n");
  EXPECT_EQ(runExample(bundle.path() + " other 1", output), 1);
  EXPECT_EQ(output, "run_layer: " + bundle.path() +
                        ": there is no layer 'other'; the bundle has 4 layers, "
                        "'layer' to 'describe'\n");
  EXPECT_EQ(runExample("", output), 2);
}

} // namespace moec

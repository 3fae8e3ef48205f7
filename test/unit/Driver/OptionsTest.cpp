//===- OptionsTest.cpp - Parsing command lines ------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every form an option can have, and the message for every way to get it wrong.
//
//===----------------------------------------------------------------------===//

#include "moec/Driver/Options.h"

#include <gtest/gtest.h>

using namespace llvm;
using namespace moec::driver;

namespace {

class OptionsTest : public testing::Test {
protected:
  void SetUp() override {
    options.positional("MODEL", "", model);
    options.positional("OTHER", "", other);
    options.flag("quiet", "", quiet).withLetter('q');
    options.text("output", "PATH", "", output).withLetter('o');
    options.text("family-file", "FILE", "", familyFile);
    options.number("threads", "N", "", threads, 1, 64);
    options.choice("emit", "", {"moe", "object"}, emit);
  }

  /// The message, or "" if all is well.
  std::string parse(std::vector<StringRef> arguments) {
    Error error = options.parse(arguments);
    bool usage = error.isA<UsageError>();
    std::string message = toString(std::move(error));
    EXPECT_TRUE(message.empty() || usage);
    return message;
  }

  OptionTable options;
  std::string model, other, output, emit;
  std::optional<std::string> familyFile;
  std::optional<int64_t> threads;
  bool quiet = false;
};

TEST_F(OptionsTest, TakesValuesInEveryForm) {
  EXPECT_EQ(parse({"a", "--output=x", "--threads", "8", "-q", "b"}), "");
  EXPECT_EQ(model, "a");
  EXPECT_EQ(other, "b");
  EXPECT_EQ(output, "x");
  EXPECT_EQ(threads, 8);
  EXPECT_TRUE(quiet);
  EXPECT_FALSE(familyFile.has_value());
  EXPECT_EQ(parse({"-o", "y"}), "");
  EXPECT_EQ(output, "y");
  EXPECT_EQ(parse({"-oz=1"}), "");
  EXPECT_EQ(output, "z=1");
  EXPECT_EQ(parse({"-o=z"}), "");
  EXPECT_EQ(output, "z");
}

TEST_F(OptionsTest, TheLastValueCounts) {
  EXPECT_EQ(parse({"--emit=moe", "--emit=object"}), "");
  EXPECT_EQ(emit, "object");
}

TEST_F(OptionsTest, AValueMayBeEmptyOrLookLikeAnOption) {
  EXPECT_EQ(parse({"--output=", "--family-file", "-x"}), "");
  EXPECT_EQ(output, "");
  EXPECT_EQ(familyFile, "-x");
}

TEST_F(OptionsTest, DashesArePositional) {
  EXPECT_EQ(parse({"-", "--", "--quiet"}), "");
  EXPECT_EQ(model, "-");
  EXPECT_EQ(other, "--quiet");
  EXPECT_FALSE(quiet);
}

TEST_F(OptionsTest, SaysWhatIsWrongWithAName) {
  EXPECT_EQ(parse({"--treads=1"}),
            "there is no option '--treads'; did you mean --threads?");
  EXPECT_EQ(parse({"--xyz"}), "there is no option '--xyz'");
  EXPECT_EQ(parse({"-x"}), "there is no option '-x'");
  EXPECT_EQ(parse({"-quiet"}), "-q takes no value, but 'uiet' is given");
  EXPECT_EQ(parse({"a", "b", "c"}), "there is no place for the argument 'c'");
}

TEST_F(OptionsTest, SaysWhatIsWrongWithAValue) {
  EXPECT_EQ(parse({"--output"}), "--output needs a value: --output=PATH");
  EXPECT_EQ(parse({"-o"}), "-o needs a value: -o=PATH");
  EXPECT_EQ(parse({"--quiet=1"}), "--quiet takes no value, but '1' is given");
  EXPECT_EQ(parse({"--threads=0"}), "--threads: 0 is less than 1");
  EXPECT_EQ(parse({"--threads=65"}), "--threads: 65 is more than 64");
  EXPECT_EQ(parse({"--threads=1e3"}), "--threads: '1e3' is not a whole number");
  EXPECT_EQ(parse({"--threads=99999999999999999999"}),
            "--threads: '99999999999999999999' is not a whole number");
  EXPECT_EQ(parse({"--emit=x\x1b"}),
            "--emit: 'x\\x1b' is not one of moe, object");
}

TEST(ClosestName, IsOnlyASlipAway) {
  std::vector<std::string> names = {"inspect", "run", "compile"};
  EXPECT_EQ(closestName("insepct", names), "inspect");
  EXPECT_EQ(closestName("rn", names), "run");
  EXPECT_EQ(closestName("launch", names), "");
  EXPECT_EQ(closestName("", names), "");
}

} // namespace

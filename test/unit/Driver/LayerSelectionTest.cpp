//===- LayerSelectionTest.cpp - Lists of layers -----------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading, matching and folding lists of layers.
//
//===----------------------------------------------------------------------===//

#include "moec/Driver/LayerSelection.h"

#include <gtest/gtest.h>

using namespace llvm;
using namespace moec::driver;

namespace {

LayerSelection selection(StringRef text) {
  Expected<LayerSelection> parsed = LayerSelection::parse(text);
  EXPECT_TRUE(bool(parsed));
  return parsed ? *parsed
                : (consumeError(parsed.takeError()), LayerSelection());
}

std::string parseError(StringRef text) {
  Expected<LayerSelection> parsed = LayerSelection::parse(text);
  return parsed ? "" : toString(parsed.takeError());
}

TEST(LayerSelection, SelectsAllByDefault) {
  LayerSelection all;
  EXPECT_TRUE(all.selectsAll());
  EXPECT_TRUE(all.contains("layers.7"));
}

TEST(LayerSelection, TakesNumbersRangesAndNames) {
  LayerSelection some = selection("0, 3-5,decoder.layers.9");
  for (StringRef in : {"layers.0", "layers.3", "layers.5", "encoder.layers.4",
                       "decoder.layers.9"})
    EXPECT_TRUE(some.contains(in)) << in.str();
  for (StringRef out : {"layers.1", "layers.6", "encoder.layers.9", "layers",
                        "layers.x", "layers.03x"})
    EXPECT_FALSE(some.contains(out)) << out.str();
}

TEST(LayerSelection, RefusesWhatIsNoList) {
  EXPECT_EQ(parseError(""), "an element of the list of layers is empty");
  EXPECT_EQ(parseError("1,,2"), "an element of the list of layers is empty");
  EXPECT_EQ(parseError("3-1"), "the range '3-1' is empty: 3 is more than 1");
  EXPECT_EQ(parseError("1x"),
            "'1x' is neither a layer's number, nor a range like 3-5, nor a "
            "name like layers.3");
  EXPECT_NE(parseError("1-"), "");
  EXPECT_NE(parseError("99999999999999999999"), "");
}

TEST(LayerSelection, ChecksThatEveryItemSelects) {
  std::vector<std::string> layers = {"layers.1", "layers.2"};
  std::vector<std::string> dense = {"layers.0"};
  auto check = [&](StringRef text) {
    return toString(selection(text).check(layers, dense, "m"));
  };
  EXPECT_EQ(check("1,layers.2"), "");
  EXPECT_EQ(check("0-2"), "");
  EXPECT_EQ(check("0"), "m: --layers names '0', which is a dense layer; its "
                        "MoE layers are layers.1-2");
  EXPECT_EQ(check("1,3"), "m: --layers names '3', which it does not have; its "
                          "MoE layers are layers.1-2");
}

TEST(FoldLayerNames, FoldsRuns) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(foldLayerNames(Names{}), "");
  EXPECT_EQ(foldLayerNames(Names{"layers.0"}), "layers.0");
  EXPECT_EQ(foldLayerNames(Names{"layers.0", "layers.1", "layers.3"}),
            "layers.0-1, layers.3");
  EXPECT_EQ(foldLayerNames(Names{"layers.1", "layers.3"}),
            "layers.1, layers.3");
  EXPECT_EQ(foldLayerNames(Names{"layers.1", "layers.3", "layers.5", "x"}),
            "layers.1-5 by 2, x");
  EXPECT_EQ(foldLayerNames(Names{"a.1", "a.2", "b.3", "b.4"}), "a.1-2, b.3-4");
}

} // namespace

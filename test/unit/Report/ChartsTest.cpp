//===- ChartsTest.cpp - Figures -------------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Report/Charts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

using namespace moec::report;
using testing::HasSubstr;

TEST(Axis, placesValues) {
  Axis linear = Axis::steps("", 25, 0, 100);
  EXPECT_EQ(linear.ticks.size(), 5u);
  EXPECT_DOUBLE_EQ(linear.place(50), 0.5);
  Axis powers = Axis::powers("", 2, 1, 256);
  EXPECT_EQ(powers.ticks.size(), 9u);
  EXPECT_DOUBLE_EQ(powers.place(16), 0.5);
}

TEST(Axis, endsAtARoundNumber) {
  auto endAndTicks = [](double most) {
    Axis axis = Axis::upTo("", most);
    return std::pair(axis.to, axis.ticks.size());
  };
  EXPECT_EQ(endAndTicks(128), std::pair(140.0, size_t(8)));
  EXPECT_EQ(endAndTicks(1), std::pair(1.0, size_t(6)));
  EXPECT_EQ(endAndTicks(2730), std::pair(3000.0, size_t(7)));
  EXPECT_EQ(endAndTicks(999), std::pair(1000.0, size_t(11)));
}

TEST(Xml, isEscaped) {
  EXPECT_EQ(escapeXml("a<b & \"c\">"), "a&lt;b &amp; &quot;c&quot;&gt;");
  EXPECT_EQ(escapeXml("\x1b[0m"), "\\x1b[0m");
}

TEST(Chart, drawsAPointForEachValue) {
  Chart chart{"<title>",
              Axis::powers("T", 2, 1, 4),
              Axis::steps("ms", 1, 0, 2),
              {{"one", {{1, 1}, {2, 2}, {4, 0}}, {}, true, true}}};
  std::string svg = drawChart(chart);
  EXPECT_THAT(svg, HasSubstr("&lt;title&gt;"));
  size_t circles = 0;
  for (size_t at = 0; (at = svg.find("<circle", at)) != std::string::npos; ++at)
    ++circles;
  EXPECT_EQ(circles, 3u);
  EXPECT_THAT(svg, HasSubstr("prefers-color-scheme:dark"));
}

/// The figure's width and where its last text begins.
static std::pair<double, double> widthAndLastText(const std::string &svg) {
  auto numberAfter = [&](const char *mark) {
    return std::stod(svg.substr(svg.rfind(mark) + std::strlen(mark)));
  };
  return {numberAfter("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\""),
          numberAfter("<text x=\"")};
}

TEST(Figures, haveRoomForLongNames) {
  std::string name(60, 'n');
  auto [chartWidth, nameLeft] =
      widthAndLastText(drawChart({"",
                                  Axis::powers("T", 2, 1, 4),
                                  Axis::steps("ms", 1, 0, 2),
                                  {{name, {{1, 1}}, {}, true, true}}}));
  EXPECT_GT(chartWidth - nameLeft, 60 * 7.5);
  auto [mapWidth, nameRight] =
      widthAndLastText(drawHeatMap("", "rows", {{name, {1}}}));
  EXPECT_GT(nameRight, 60 * 7.5);
  EXPECT_GT(mapWidth, nameRight + 600);
}

TEST(Bands, ofTheSameNameLookTheSame) {
  std::string svg =
      drawBands("", Axis::powers("T", 2, 1, 16),
                {{"a", {{1, 4, "x"}, {4, 16, "y"}}}, {"b", {{1, 16, "y"}}}});
  EXPECT_THAT(svg, HasSubstr("series0 fill\" opacity=\"1.000\"><title>x"));
  size_t first = svg.find("series1 fill\" opacity=\"1.000\"><title>y");
  ASSERT_NE(first, std::string::npos);
  EXPECT_NE(svg.find("series1 fill\" opacity=\"1.000\"><title>y", first + 1),
            std::string::npos);
}

TEST(HeatMap, takesEmptyRows) {
  EXPECT_THAT(drawHeatMap("t", "rows", {{"a", {}}, {"b", {0, 0}}}),
              HasSubstr("b, 1: 0 rows"));
}

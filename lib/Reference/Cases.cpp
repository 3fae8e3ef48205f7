//===- Cases.cpp - inputs that find mistakes --------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kinds of cases. Their numbers come from a generator of their own, because
// the distributions of the standard library differ between implementations.
//
//===----------------------------------------------------------------------===//

#include "moec/Reference/Cases.h"

#include "moec/Support/Float.h"

#include <algorithm>
#include <numbers>

using namespace llvm;

namespace moec::reference {

namespace {

/// SplitMix64 (Steele, Lea, Flood 2014) and what is made from it.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}

  uint64_t bits() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// In (0, 1).
  double uniform() {
    return (static_cast<double>(bits() >> 12) + 0.5) * 0x1p-52;
  }
  /// In [0, count).
  int64_t below(int64_t count) {
    return static_cast<int64_t>(bits() % static_cast<uint64_t>(count));
  }
  /// Standard normal (Box and Muller 1958).
  double normal() {
    double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

private:
  uint64_t state;
};

} // namespace

/// The nearest bf16: inputs are exact in every type a layer may take them in.
static double nearestBf16(double value) {
  return bf16ToFloat(floatToBf16(static_cast<float>(value)));
}

Case randomCase(const CaseSize &size, uint64_t seed) {
  Random random(seed);
  Case result{"random", Tensor::floats({size.tokens, size.hidden}), {}, {}};
  for (double &value : result.hidden.value)
    value = nearestBf16(random.normal());
  return result;
}

/// A copy of `base` where `function` changes the elements (value, row, column).
template <typename Function>
static Case variant(const Case &base, StringRef name, Function function) {
  Case result{name.str(), base.hidden, {}, {}};
  int64_t width = base.hidden.shape[1];
  for (int64_t i = 0; i < result.hidden.size(); ++i)
    result.hidden.value[i] =
        function(result.hidden.value[i], i / width, i % width);
  return result;
}

/// Choices there are: experts with and without a matrix.
static int64_t allExperts(const CaseSize &size) {
  return size.experts + size.identityExperts;
}

/// Gives every row `function(row, choice)` as ids, and random weights.
template <typename Function>
static Case routed(const Case &base, StringRef name, const CaseSize &size,
                   Random &random, Function function) {
  Case result{name.str(), base.hidden,
              Tensor::integers({size.tokens, size.topK}),
              Tensor::floats({size.tokens, size.topK})};
  for (int64_t row = 0; row < size.tokens; ++row) {
    std::vector<double> weights;
    double total = 0;
    for (int64_t j = 0; j < size.topK; ++j)
      total += weights.emplace_back(random.uniform());
    for (int64_t j = 0; j < size.topK; ++j) {
      int64_t i = row * size.topK + j;
      int64_t id = function(row, j);
      result.ids->ints[i] = id;
      // As a run gives them: f32, and 0 for a choice that is dropped.
      float weight = static_cast<float>(weights[j] / total);
      result.weights->value[i] = id < 0 ? 0 : static_cast<double>(weight);
    }
  }
  return result;
}

/// `count` different numbers below `limit`, in random order.
static std::vector<int64_t> distinct(Random &random, int64_t limit,
                                     int64_t count) {
  std::vector<int64_t> numbers(static_cast<size_t>(limit));
  for (int64_t i = 0; i < limit; ++i)
    numbers[i] = i;
  for (int64_t i = 0; i < count; ++i)
    std::swap(numbers[i], numbers[i + random.below(limit - i)]);
  numbers.resize(static_cast<size_t>(count));
  return numbers;
}

void addRandomRouting(Case &testCase, const CaseSize &size, uint64_t seed) {
  Random random(seed);
  std::vector<int64_t> ids;
  Case result =
      routed(testCase, testCase.name, size, random, [&](int64_t, int64_t j) {
        if (j == 0)
          ids = distinct(random, allExperts(size), size.topK);
        return ids[j];
      });
  testCase.ids = std::move(result.ids);
  testCase.weights = std::move(result.weights);
}

/// Inputs for which the router chooses.
static void addHiddenCases(std::vector<Case> &cases, const Case &base) {
  auto add = [&](StringRef name, auto function) {
    cases.push_back(variant(base, name, function));
  };
  const std::vector<double> first(base.hidden.value.begin(),
                                  base.hidden.value.begin() +
                                      base.hidden.shape[1]);
  add("one row for all", // every token wants the same experts
      [&](double, int64_t, int64_t column) { return first[column]; });
  add("zero rows", // every expert ties
      [](double, int64_t, int64_t) { return 0.0; });
  add("some zero rows",
      [](double value, int64_t row, int64_t) { return row % 2 ? value : 0.0; });
  add("large rows", // scores saturate
      [](double value, int64_t, int64_t) { return nearestBf16(100 * value); });
  add("huge rows", // products overflow
      [](double value, int64_t, int64_t) { return nearestBf16(1e30 * value); });
  add("tiny rows", [](double value, int64_t, int64_t) {
    return nearestBf16(1e-30 * value);
  });
  add("subnormal rows", [](double value, int64_t, int64_t) {
    return nearestBf16(1e-39 * value);
  });
  add("one NaN in some rows", [](double value, int64_t row, int64_t column) {
    bool isHere = row % 3 == 1 && column == 0;
    return isHere ? std::numeric_limits<double>::quiet_NaN() : value;
  });
  add("infinities in some rows", [](double value, int64_t row, int64_t column) {
    bool isHere = row % 3 == 1 && column == 0;
    return isHere ? (row % 2 ? infinity : -infinity) : value;
  });
}

/// Inputs whose routing is given.
static void addRoutedCases(std::vector<Case> &cases, const Case &base,
                           const CaseSize &size, Random &random) {
  int64_t experts = allExperts(size);
  auto add = [&](StringRef name, auto function) {
    cases.push_back(routed(base, name, size, random, function));
  };
  // Crowded experts, and empty ones.
  add("few experts for all", [](int64_t, int64_t j) { return j; });
  add("last experts for all",
      [&](int64_t, int64_t j) { return experts - 1 - j; });
  add("a token for each expert in turn",
      [&](int64_t row, int64_t j) { return (row * size.topK + j) % experts; });
  add("one expert in every choice", // the same expert several times
      [](int64_t, int64_t) { return int64_t(0); });
  std::vector<int64_t> ids;
  auto randomIds = [&](int64_t, int64_t j) {
    if (j == 0)
      ids = distinct(random, experts, size.topK);
    return ids[j];
  };
  add("random routing", randomIds);
  add("some choices dropped", [&](int64_t row, int64_t j) {
    int64_t id = randomIds(row, j);
    return random.below(3) == 0 ? int64_t(-1) : id;
  });
  add("every second token dropped", [&](int64_t row, int64_t j) {
    int64_t id = randomIds(row, j);
    return row % 2 ? id : int64_t(-1);
  });
  add("all choices dropped", [](int64_t, int64_t) { return int64_t(-1); });
}

std::vector<Case> adversarialCases(const CaseSize &size, uint64_t seed) {
  Random random(seed ^ 0x5eed);
  std::vector<Case> cases;
  cases.push_back(randomCase(size, seed));
  if (size.tokens == 0) {
    cases.front().name = "no tokens";
    return cases;
  }
  const Case base = cases.front();
  addHiddenCases(cases, base);
  if (size.topK <= allExperts(size))
    addRoutedCases(cases, base, size, random);
  return cases;
}

} // namespace moec::reference

//===- SampleKernels.cpp - Whole kernels to emulate -----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Data, launch and reference of each sample. Operands are small integers, so
// results are exact whatever the order of additions.
//
//===----------------------------------------------------------------------===//

#include "SampleKernels.h"
#include "moec/Emulator/TensorMap.h"
#include "moec/Support/Float.h"

#include <cstring>
#include <fstream>
#include <sstream>

namespace moec::emulator {

std::string sampleText(const std::string &name) {
  std::ifstream file(std::string(MOEC_EMULATOR_INPUTS) + "/" + name + ".ll");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

static float element(unsigned i, unsigned k) {
  return float(int((i * 5 + k * 3 + i * k % 7) % 9) - 4) / 4;
}

static TestBuffer<uint16_t> matrix(TestKernel &kernel, const char *name,
                                   unsigned rows, unsigned columns) {
  TestBuffer<uint16_t> matrix = kernel.buffer<uint16_t>(name, rows * columns);
  for (unsigned i = 0; i < rows; ++i)
    for (unsigned k = 0; k < columns; ++k)
      matrix[i * columns + k] = floatToBf16(element(i, k));
  return matrix;
}

static float dot(unsigned row, unsigned column, unsigned depth) {
  float sum = 0;
  for (unsigned k = 0; k < depth; ++k)
    sum += element(row, k) * element(column, k);
  return sum;
}

static SampleResult runGemm80(TestKernel &kernel, unsigned scale) {
  const unsigned m = 128, n = 64;
  int depth = 160 * int(scale), width = n;
  auto a = matrix(kernel, "A", m, depth), b = matrix(kernel, "B", n, depth);
  auto c = kernel.buffer<float>("C", m * n);
  SampleResult result;
  result.report = kernel.launch(
      {.grid = {n / 64, m / 64}, .block = {128}, .dynamicShared = 24576},
      a.address(), b.address(), c.address(), width, depth);
  result.right = true;
  for (unsigned i = 0; i < m; ++i)
    for (unsigned j = 0; j < n; ++j)
      result.right &= c[i * n + j] == dot(i, j, depth);
  return result;
}

static void *deviceMap(TestKernel &kernel, const char *name, void *address,
                       uint64_t rows, uint64_t columns) {
  const uint64_t sizes[] = {columns, rows}, strides[] = {columns * 2};
  const uint32_t box[] = {64, 64};
  TensorMapLayout layout;
  layout.address = address;
  layout.elementBytes = 2;
  layout.sizes = sizes;
  layout.strides = strides;
  layout.box = box;
  layout.swizzle = Swizzle::B128;
  TensorMap map = llvm::cantFail(TensorMap::encode(layout));
  auto place = kernel.buffer<TensorMap>(name, 1);
  std::memcpy(place.address(), &map, sizeof map);
  return place.address();
}

static SampleResult runGemm90(TestKernel &kernel, unsigned scale) {
  const unsigned m = 128, n = 64, rowsB = 100;
  int depth = 320 * int(scale);
  auto a = matrix(kernel, "A", m, depth), b = matrix(kernel, "B", rowsB, depth);
  auto c = kernel.buffer<uint16_t>("out", m * n);
  auto rows = kernel.buffer<int32_t>("rows", n);
  for (unsigned i = 0; i < n; ++i)
    rows[i] = int(i * 37 % rowsB);
  void *mapA = deviceMap(kernel, "map of A", a.address(), m, depth);
  void *mapC = deviceMap(kernel, "map of out", c.address(), m, n);
  SampleResult result;
  result.report = kernel.launch(
      {.grid = {n / 64, m / 64}, .block = {160}, .dynamicShared = 57472}, mapA,
      b.address(), rows.address(), mapC, depth);
  result.right = true;
  for (unsigned i = 0; i < m; ++i)
    for (unsigned j = 0; j < n; ++j)
      result.right &= c[i * n + j] == floatToBf16(dot(i, rows[j], depth));
  return result;
}

static SampleResult runReduce(TestKernel &kernel) {
  int n = 300;
  auto x = kernel.buffer<float>("x", n), sums = kernel.buffer<float>("sums", 3);
  float expected[3] = {};
  for (int i = 0; i < n; ++i) {
    x[i] = element(i, 3);
    expected[i / 128] += x[i];
  }
  SampleResult result;
  result.report = kernel.launch({.grid = {3}, .block = {128}}, x.address(),
                                sums.address(), n);
  result.right = std::equal(sums.begin(), sums.end(), expected);
  return result;
}

static SampleResult runHistogram(TestKernel &kernel) {
  int n = 1000;
  auto x = kernel.buffer<int32_t>("x", n);
  auto counts = kernel.buffer<int32_t>("counts", 64);
  auto starts = kernel.buffer<int32_t>("starts", 64);
  int expected[64] = {};
  for (int i = 0; i < n; ++i)
    ++expected[x[i] = i * i % 61];
  SampleResult result;
  result.report = kernel.launch({.grid = {1}, .block = {128}}, x.address(),
                                counts.address(), starts.address(), n);
  result.right = std::equal(counts.begin(), counts.end(), expected);
  for (int i = 0, start = 0; i < 64; start += expected[i++])
    result.right &= starts[i] == start;
  return result;
}

static SampleResult runCluster(TestKernel &kernel) {
  auto x = kernel.buffer<float>("x", 256), out = kernel.buffer<float>("out", 2);
  float expected[2] = {};
  for (int i = 0; i < 256; ++i) {
    x[i] = element(i, 1);
    expected[i % 2] += x[i];
  }
  SampleResult result;
  result.report = kernel.launch({.grid = {2}, .block = {128}, .cluster = {2}},
                                x.address(), out.address());
  result.right = out[0] == expected[0] && out[1] == expected[1];
  return result;
}

SampleResult runSample(TestKernel &kernel, const std::string &name,
                       unsigned scale) {
  if (name == "gemm80")
    return runGemm80(kernel, scale);
  if (name == "gemm90")
    return runGemm90(kernel, scale);
  if (name == "reduce")
    return runReduce(kernel);
  if (name == "histogram")
    return runHistogram(kernel);
  return runCluster(kernel);
}

} // namespace moec::emulator

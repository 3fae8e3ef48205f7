//===- TestBundle.h - a bundle to test the run time with --------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes a bundle around FakeKernel.c into a directory of its own, and wraps
// the C interface as far as tests repeat themselves.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_TEST_UNIT_RUNTIME_TESTBUNDLE_H
#define MOEC_TEST_UNIT_RUNTIME_TESTBUNDLE_H

#include "moec-c/Runtime.h"
#include "moec/Runtime/CpuFeatures.h"
#include "moec/Runtime/Hash.h"
#include "moec/Runtime/Manifest.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace moec {

/// The sizes of FakeKernel.c.
inline constexpr int64_t kHidden = 6, kExperts = 4, kTopK = 3;
inline constexpr float kScales[kExperts] = {2.0f, 3.0f, 5.0f, 7.0f};

inline std::string readFile(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void writeFile(const std::string &path, const std::string &content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

/// A directory with the bundle; removed at the end. Change `manifest` and call
/// write to get another one.
class TestBundle {
public:
  TestBundle() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "moec-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    directory = pattern;
    std::string kernel = readFile(MOEC_FAKE_KERNEL);
    writeFile(path("kernel.so"), kernel);
    std::string weights(128, '\0');
    std::copy_n(reinterpret_cast<const char *>(kScales), sizeof(kScales),
                weights.data() + 64);
    writeFile(path("weights.bin"), weights);
    manifest.producer = "test";
    manifest.model = R"({"name":"fake"})";
    manifest.triple = std::string(hostArchitecture()) + "-unknown-linux-gnu";
    manifest.cpu = "generic";
    manifest.kernel = {"kernel.so", int64_t(kernel.size()),
                       xxh3Hex(kernel.data(), kernel.size())};
    manifest.weights = {"weights.bin", 128, xxh3Hex(weights.data(), 128)};
    manifest.kernels = {{"fake_layer", "fake_workspace"},
                        {"fake_layer", "fake_negative_workspace"},
                        {"fake_layer", "fake_endless_workspace"},
                        {"fake_describe", "fake_workspace"}};
    for (const char *name : {"layer", "negative", "endless", "describe"})
      manifest.layers.push_back(
          makeLayer(name, int64_t(manifest.layers.size())));
    write();
  }
  ~TestBundle() { std::filesystem::remove_all(directory); }
  TestBundle(const TestBundle &) = delete;
  TestBundle &operator=(const TestBundle &) = delete;

  std::string path(const std::string &name = "") const {
    return name.empty() ? directory : directory + "/" + name;
  }
  void write() const {
    writeFile(path(kManifestFileName), printManifest(manifest));
  }

  static ManifestLayer makeLayer(const std::string &name, int64_t kernel) {
    ManifestLayer layer;
    layer.name = name;
    layer.router = "round robin";
    layer.kernel = kernel;
    layer.hidden = kHidden;
    layer.width = 8;
    layer.experts = kExperts;
    layer.identityExperts = 1;
    layer.topK = kTopK;
    layer.givenRouting = true;
    layer.inputs = {{"hidden", kHidden, {"f32"}},
                    {"token_ids", 1, {"i32", "i64"}, /*optional=*/true}};
    layer.outputs = {{"hidden", kHidden, {"f32"}},
                     {"topk_ids", kTopK, {"i32"}},
                     {"topk_weights", kTopK, {"f32"}},
                     {"router_logits", kExperts + 1, {"f32"}}};
    layer.weights = {{"scale", "f32", {kExperts}, "e", 64, 16}};
    return layer;
  }

  Manifest manifest;

private:
  std::string directory;
};

struct CloseModel {
  void operator()(moec_model *model) const { moec_close(model); }
};
struct DestroyContext {
  void operator()(moec_context *context) const {
    moec_context_destroy(context);
  }
};
using ModelHandle = std::unique_ptr<moec_model, CloseModel>;
using ContextHandle = std::unique_ptr<moec_context, DestroyContext>;

/// Opens what must open.
inline ModelHandle openModel(const std::string &path) {
  moec_model *model = nullptr;
  EXPECT_EQ(moec_open(path.c_str(), nullptr, &model), MOEC_OK)
      << moec_last_error();
  return ModelHandle(model);
}

inline ContextHandle makeContext(const ModelHandle &model, int threads = 2) {
  moec_context *context = nullptr;
  EXPECT_EQ(moec_context_create(model.get(), threads, &context), MOEC_OK)
      << moec_last_error();
  return ContextHandle(context);
}

/// A contiguous tensor with its memory.
template <typename T>
struct TestTensor {
  TestTensor(std::vector<int64_t> dims, DLDataType dtype, T fill = T())
      : shape(std::move(dims)) {
    int64_t count = std::accumulate(shape.begin(), shape.end(), int64_t(1),
                                    std::multiplies<int64_t>());
    values.assign(size_t(count), fill);
    tensor = {values.data(),
              {kDLCPU, 0},
              int(shape.size()),
              dtype,
              shape.data(),
              nullptr,
              0};
  }
  TestTensor(const TestTensor &) = delete;

  std::vector<int64_t> shape;
  std::vector<T> values;
  DLTensor tensor;
};

inline constexpr DLDataType kF32 = {kDLFloat, 32, 1}, kF16 = {kDLFloat, 16, 1},
                            kBF16 = {kDLBfloat, 16, 1}, kI32 = {kDLInt, 32, 1},
                            kI64 = {kDLInt, 64, 1};

/// What FakeKernel.c's factor of row `row` is.
inline float expectedFactor(int64_t row) {
  float sum = 0.0f;
  for (int64_t j = 0; j < kTopK; ++j) {
    int64_t id = (row + j) % (kExperts + 1);
    sum += 1.0f / float(j + 1) * (id < kExperts ? kScales[id] : 1.0f);
  }
  return sum;
}

} // namespace moec

#endif // MOEC_TEST_UNIT_RUNTIME_TESTBUNDLE_H

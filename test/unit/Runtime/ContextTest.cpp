//===- ContextTest.cpp - contexts and their workspace ---------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Team sizes, workspace sizes, and that a reserved context allocates nothing.
//
//===----------------------------------------------------------------------===//

#include "TestBundle.h"

#include <atomic>
#include <new>

// ThreadSanitizer brings an operator new of its own.
#if defined(__SANITIZE_THREAD__)
#define MOEC_COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#define MOEC_COUNTS_ALLOCATIONS !__has_feature(thread_sanitizer)
#else
#define MOEC_COUNTS_ALLOCATIONS 1
#endif

#if MOEC_COUNTS_ALLOCATIONS
/// Allocations through operator new since the program began.
static std::atomic<int64_t> allocations{0};

void *operator new(size_t size) {
  ++allocations;
  if (void *memory = std::malloc(size ? size : 1))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }
#endif

namespace moec {

class ContextTest : public testing::Test {
protected:
  ContextTest() {
    // Only layers with a sane workspace, for moec_reserve.
    auto &layers = bundle.manifest.layers;
    layers.erase(layers.begin() + 1, layers.begin() + 3);
    bundle.write();
    model = openModel(bundle.path());
  }

  TestBundle bundle;
  ModelHandle model;
};

TEST_F(ContextTest, teamSizes) {
  ContextHandle all = makeContext(model, 0);
  int32_t cpus = moec_context_threads(all.get());
  EXPECT_GE(cpus, 1);
  EXPECT_EQ(moec_context_threads(makeContext(model, 1).get()), 1);
  // Capped at the CPUs there are.
  EXPECT_EQ(moec_context_threads(makeContext(model, INT32_MAX).get()), cpus);
  moec_context *context = nullptr;
  EXPECT_EQ(moec_context_create(model.get(), -1, &context),
            MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(),
               "threads is -1; expected 0, for one a CPU, or more");
  EXPECT_EQ(moec_context_create(nullptr, 1, &context), MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(), "moec_context_create: model is NULL");
  EXPECT_EQ(moec_context_threads(nullptr), 0);
  moec_context_destroy(nullptr);
}

TEST_F(ContextTest, optionsOfTheModelApply) {
  moec_options options = MOEC_OPTIONS_INIT;
  options.threads = 1;
  options.flags = MOEC_OPEN_CHECK_WEIGHTS | MOEC_OPEN_PIN_THREADS;
  moec_model *opened = nullptr;
  ASSERT_EQ(moec_open(bundle.path().c_str(), &options, &opened), MOEC_OK);
  model.reset(opened);
  EXPECT_EQ(moec_context_threads(makeContext(model, 0).get()), 1);
}

TEST_F(ContextTest, workspaceSize) {
  ContextHandle context = makeContext(model);
  int64_t bytes = -1;
  ASSERT_EQ(moec_workspace_size(context.get(), 0, 0, &bytes), MOEC_OK);
  EXPECT_EQ(bytes, 0);
  ASSERT_EQ(moec_workspace_size(context.get(), 0, 16, &bytes), MOEC_OK);
  // Hidden in and out 384 each, token ids 64, ids and weights 192 each, logits
  // 320, the kernel's copy 384.
  EXPECT_EQ(bytes, 2 * 384 + 64 + 2 * 192 + 320 + 384);
  EXPECT_EQ(moec_workspace_size(context.get(), 0, -1, &bytes),
            MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(), "tokens is -1; expected 0 or more");
  EXPECT_EQ(moec_workspace_size(context.get(), 0, INT64_MAX / 8, &bytes),
            MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(),
               "layer: 1152921504606846975 tokens need more workspace than 64 "
               "bits count; split the batch");
  EXPECT_EQ(moec_reserve(context.get(), int64_t(1) << 50), MOEC_ERROR_SYSTEM);
}

TEST_F(ContextTest, nothingIsKeptForConversionsTheKernelDoesItself) {
  bundle.manifest.layers[0].inputs[0].dtypes = {"f32", "f16", "bf16"};
  bundle.manifest.layers[0].outputs[0].dtypes = {"bf16", "f16", "f32"};
  bundle.write();
  model = openModel(bundle.path());
  int64_t bytes = -1;
  ASSERT_EQ(moec_workspace_size(makeContext(model).get(), 0, 16, &bytes),
            MOEC_OK);
  // Output hidden in bf16: 192.
  EXPECT_EQ(bytes, 192 + 64 + 2 * 192 + 320 + 384);
}

#if MOEC_COUNTS_ALLOCATIONS
TEST_F(ContextTest, reservedContextsAllocateNothing) {
  ContextHandle context = makeContext(model);
  ASSERT_EQ(moec_reserve(context.get(), 100), MOEC_OK) << moec_last_error();
  TestTensor<uint16_t> x({100, kHidden}, kBF16), y({100, kHidden}, kF16);
  TestTensor<int32_t> ids({100, kTopK}, kI32);
  const DLTensor *inputs[] = {&x.tensor};
  DLTensor *outputs[] = {&y.tensor, &ids.tensor};
  int64_t before = allocations;
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(moec_run(context.get(), 0, inputs, 1, outputs, 2, 0), MOEC_OK);
  EXPECT_EQ(allocations, before);
}
#endif

} // namespace moec

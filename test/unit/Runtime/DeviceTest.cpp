//===- DeviceTest.cpp - layers on a device --------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the run time asks of a device, which here is this machine's memory and a
// kernel that doubles rows.
//
//===----------------------------------------------------------------------===//

#include "moec-c/Device.h"
#include "TestBundle.h"

#include <cstring>

using namespace moec;

namespace {

/// A row of DoublingDevice's memory: whole pieces of 16 bytes, so that rows may
/// be apart.
constexpr int64_t kCols = 8;

/// Keeps what it was asked, as "upload", "launch on 0x10".
class DoublingDevice {
public:
  DoublingDevice() {
    static const char *const images[] = {"ptx", nullptr};
    interface = {sizeof(interface),
                 this,
                 images,
                 {kDLCUDA, 0},
                 load,
                 unload,
                 allocate,
                 release,
                 upload,
                 download,
                 wait,
                 launch,
                 /*multiprocessors=*/4,
                 /*make_tensor_map=*/nullptr,
                 /*chip=*/nullptr};
  }

  moec_device interface;
  std::vector<std::string> events;

private:
  static const char *note(void *state, const std::string &event, void *stream) {
    static_cast<DoublingDevice *>(state)->events.push_back(
        stream ? event + " on " + std::to_string(uintptr_t(stream)) : event);
    return nullptr;
  }
  static const char *load(void *, const char *, const void *, int64_t,
                          void **) {
    return nullptr;
  }
  static void unload(void *, void *) {}
  static const char *allocate(void *state, int64_t bytes, void **memory) {
    *memory = std::aligned_alloc(256, size_t(bytes + 255) / 256 * 256);
    std::memset(*memory, 0x55, size_t(bytes));
    return note(state, "allocate", nullptr);
  }
  static void release(void *, void *memory) { std::free(memory); }
  static const char *upload(void *state, void *stream, void *to,
                            const void *from, int64_t bytes) {
    std::memcpy(to, from, size_t(bytes));
    return note(state, "upload", stream);
  }
  static const char *download(void *state, void *stream, void *to,
                              const void *from, int64_t bytes) {
    std::memcpy(to, from, size_t(bytes));
    return note(state, "download", stream);
  }
  static const char *wait(void *state, void *stream) {
    return note(state, "wait", stream);
  }
  /// y = 2 * x + ids
  static const char *launch(void *state, void *, const moec_launch *launch) {
    auto argument = [&](int i) {
      uint64_t value;
      std::memcpy(&value, launch->arguments[i], sizeof(value));
      return value;
    };
    const auto *x = reinterpret_cast<const float *>(argument(1));
    auto *y = reinterpret_cast<float *>(argument(3));
    const auto *ids = reinterpret_cast<const int32_t *>(argument(5));
    for (uint32_t row = 0; row < uint32_t(argument(0)); ++row)
      for (int64_t col = 0; col < kCols; ++col)
        y[row * argument(4) + uint64_t(col)] =
            2 * x[row * argument(2) + uint64_t(col)] + float(ids[row]);
    return note(state, "launch", launch->stream);
  }
};

class Device : public testing::Test {
protected:
  void SetUp() override {
    Manifest &manifest = bundle.manifest;
    manifest.triple = "nvptx64-nvidia-cuda";
    manifest.cpu = "sm_80";
    manifest.kernels = {{"plan", ""}};
    ManifestPlan &plan = manifest.kernels[0].plan.emplace();
    plan.buffers = {{1, 0, 64}, {0, 4, 4}};
    plan.counters = 1;
    ManifestLaunch &launch = plan.launches.emplace_back();
    launch.kernel = "double";
    launch.fixed = 1;
    launch.arguments = {
        {ArgumentKind::Tokens, 0},       {ArgumentKind::Input, 0},
        {ArgumentKind::InputStride, 0},  {ArgumentKind::Output, 0},
        {ArgumentKind::OutputStride, 0}, {ArgumentKind::Input, 1}};
    manifest.layers = {TestBundle::makeLayer("layer", 0)};
    ManifestLayer &layer = manifest.layers[0];
    layer.hidden = kCols;
    layer.inputs = {{"hidden", kCols, {"f32"}},
                    {"token_ids", 1, {"i32"}, /*optional=*/true}};
    layer.outputs[0].cols = kCols;
    bundle.write();
    moec_options options = MOEC_OPTIONS_INIT;
    options.device = &device.interface;
    moec_model *opened = nullptr;
    ASSERT_EQ(moec_open(bundle.path().c_str(), &options, &opened), MOEC_OK)
        << moec_last_error();
    model.reset(opened);
    context = makeContext(model, 1);
    device.events.clear();
  }

  /// Runs on these tensors; the message if that fails.
  std::string run(const DLTensor *x, const DLTensor *ids, DLTensor *y,
                  DLTensor *topkIds = nullptr) {
    const DLTensor *inputs[] = {x, ids};
    DLTensor *outputs[] = {y, topkIds};
    moec_status status =
        moec_run(context.get(), 0, inputs, 2, outputs, 2, /*flags=*/0);
    return status == MOEC_OK ? "" : moec_last_error();
  }

  DoublingDevice device;
  TestBundle bundle;
  ModelHandle model;
  ContextHandle context;
  TestTensor<float> x{{3, kCols}, kF32, 1.5f}, y{{3, kCols}, kF32};
  TestTensor<int32_t> ids{{3}, kI32, 4};
};

using Events = std::vector<std::string>;

TEST_F(Device, BringsTensorsOfTheHost) {
  ASSERT_EQ(moec_reserve(context.get(), 3), MOEC_OK) << moec_last_error();
  device.events.clear();
  EXPECT_EQ(run(&x.tensor, &ids.tensor, &y.tensor), "");
  EXPECT_EQ(y.values, std::vector<float>(3 * kCols, 7.0f));
  EXPECT_EQ(device.events,
            (Events{"upload", "upload", "launch", "download", "wait"}));
}

TEST_F(Device, OnlyLaunchesWhereTensorsAreOnTheDevice) {
  ASSERT_EQ(moec_reserve(context.get(), 3), MOEC_OK) << moec_last_error();
  device.events.clear();
  for (DLTensor *tensor : {&x.tensor, &ids.tensor, &y.tensor})
    tensor->device = {kDLCUDA, 0};
  EXPECT_EQ(run(&x.tensor, &ids.tensor, &y.tensor), "");
  EXPECT_EQ(device.events, (Events{"launch", "wait"}));
  EXPECT_EQ(y.values, std::vector<float>(3 * kCols, 7.0f));

  device.events.clear();
  ASSERT_EQ(
      moec_context_set_stream(context.get(), reinterpret_cast<void *>(16)),
      MOEC_OK);
  EXPECT_EQ(run(&x.tensor, &ids.tensor, &y.tensor), "");
  EXPECT_EQ(device.events, Events{"launch on 16"});
}

TEST_F(Device, TimesNoStages) {
  moec_stage_time time;
  EXPECT_EQ(moec_context_time_stages(context.get(), &time, 1),
            MOEC_ERROR_ARGUMENT);
  EXPECT_NE(std::string(moec_last_error())
                .find("compiled for a GPU, whose launches are not timed"),
            std::string::npos);
}

TEST_F(Device, ReadsZerosOfWhatIsLeftOut) {
  EXPECT_EQ(run(&x.tensor, nullptr, &y.tensor), "");
  EXPECT_EQ(y.values, std::vector<float>(3 * kCols, 3.0f));
  device.events.clear();
  EXPECT_EQ(run(&x.tensor, nullptr, &y.tensor), "");
  EXPECT_EQ(device.events, (Events{"upload", "launch", "download", "wait"}));
}

TEST_F(Device, UsesRowsThatAreApart) {
  TestTensor<float> wide({3, 2 * kCols}, kF32, 1.0f);
  int64_t shape[] = {3, kCols}, strides[] = {2 * kCols, 1};
  DLTensor left = wide.tensor;
  left.device = {kDLCUDA, 0};
  left.shape = shape;
  left.strides = strides;
  EXPECT_EQ(run(&left, &ids.tensor, &y.tensor), "");
  EXPECT_EQ(y.values, std::vector<float>(3 * kCols, 6.0f));
  strides[0] = kCols + 1;
  EXPECT_EQ(run(&left, &ids.tensor, &y.tensor),
            "layer: input 'hidden' has rows 36 bytes apart on the device; "
            "expected adjacent rows or a multiple of 16");
  strides[0] = 2 * kCols;
  left.byte_offset = 4;
  EXPECT_NE(run(&left, &ids.tensor, &y.tensor)
                .find("of the device; expected a multiple of 16"),
            std::string::npos);
}

TEST_F(Device, RefusesOtherDevices) {
  x.tensor.device = {kDLCUDA, 1};
  EXPECT_EQ(run(&x.tensor, nullptr, &y.tensor),
            "layer: input 'hidden' is on device 1 of type 2; expected CPU "
            "memory, type 1, or device 0 of type 2");
}

TEST_F(Device, TakesOnlyTheTypesOfItsKernels) {
  TestTensor<uint16_t> half({3, kCols}, kF16);
  EXPECT_EQ(run(&half.tensor, nullptr, &y.tensor),
            "layer: input 'hidden' is of type f16; on a device it has to be "
            "f32");
}

TEST_F(Device, TellsItsWorkspace) {
  int64_t bytes = 0;
  ASSERT_EQ(moec_workspace_size(context.get(), 0, 3, &bytes), MOEC_OK);
  // Six tensors and a buffer of at most 256 bytes, 16 of counters, 256 of
  // zeros.
  EXPECT_EQ(bytes, 7 * 256 + 16 + 256);
}

TEST(DeviceStream, NeedsADevice) {
  TestBundle bundle;
  ModelHandle model = openModel(bundle.path());
  ContextHandle context = makeContext(model);
  EXPECT_EQ(moec_context_set_stream(context.get(), nullptr),
            MOEC_ERROR_ARGUMENT);
  EXPECT_EQ(std::string(moec_last_error()),
            bundle.path() + ": compiled for a CPU, which has no streams");
}

} // namespace

//===- DeviceChoiceTest.cpp - which code of a bundle a device gets --------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A bundle with code for two chips, and devices that load one, the other or
// none of it.
//
//===----------------------------------------------------------------------===//

#include "TestBundle.h"
#include "moec-c/Device.h"

#include <set>

using namespace moec;

namespace {

/// Loads code whose text is in `loadable`.
struct FakeDevice {
  std::set<std::string> loadable;
  std::string loaded;
  std::vector<char> memory;
  moec_device interface = {};

  FakeDevice(std::set<std::string> loadable, const char *chip)
      : loadable(std::move(loadable)) {
    static const char *const images[] = {"ptx", nullptr};
    interface.struct_size = sizeof interface;
    interface.state = this;
    interface.images = images;
    interface.multiprocessors = 1;
    interface.chip = chip;
    interface.load = [](void *state, const char *, const void *image,
                        int64_t bytes, void **) -> const char * {
      auto &device = *static_cast<FakeDevice *>(state);
      std::string text(static_cast<const char *>(image), size_t(bytes));
      if (!device.loadable.count(text))
        return "not for this chip";
      device.loaded = text;
      return nullptr;
    };
    interface.unload = [](void *, void *) {};
    interface.allocate = [](void *state, int64_t bytes,
                            void **memory) -> const char * {
      auto &device = *static_cast<FakeDevice *>(state);
      device.memory.resize(size_t(bytes));
      *memory = device.memory.data();
      return nullptr;
    };
    interface.release = [](void *, void *) {};
    interface.upload = [](void *, void *, void *to, const void *from,
                          int64_t bytes) -> const char * {
      std::copy_n(static_cast<const char *>(from), bytes,
                  static_cast<char *>(to));
      return nullptr;
    };
  }
};

class DeviceChoice : public testing::Test {
protected:
  DeviceChoice() {
    Manifest &manifest = bundle.manifest;
    manifest.triple = "nvptx64-nvidia-cuda";
    for (ManifestKernel &kernel : manifest.kernels)
      kernel.plan.emplace();
    ManifestCode older = manifest;
    setCode(manifest, "sm_90a", "newer");
    setCode(older, "sm_80", "older");
    manifest.variants.push_back(older);
    bundle.write();
  }

  void setCode(ManifestCode &code, const std::string &chip,
               const std::string &text) {
    code.cpu = chip;
    code.kernel = {text + ".ptx", int64_t(text.size()),
                   xxh3Hex(text.data(), text.size())};
    writeFile(bundle.path(code.kernel.file), text);
  }

  /// What was loaded, or the error.
  std::string open(std::set<std::string> loadable, const char *chip) {
    FakeDevice device(std::move(loadable), chip);
    moec_options options = MOEC_OPTIONS_INIT;
    options.device = &device.interface;
    moec_model *model = nullptr;
    if (moec_open(bundle.path().c_str(), &options, &model) != MOEC_OK)
      return moec_last_error();
    moec_close(model);
    return device.loaded;
  }

  TestBundle bundle;
};

TEST_F(DeviceChoice, TakesTheFirstThatLoads) {
  EXPECT_EQ(open({"newer", "older"}, nullptr), "newer");
  EXPECT_EQ(open({"older"}, nullptr), "older");
}

TEST_F(DeviceChoice, TakesTheDevicesOwn) {
  EXPECT_EQ(open({"newer", "older"}, "sm_80"), "older");
  EXPECT_EQ(open({"newer", "older"}, "sm_90a"), "newer");
}

TEST_F(DeviceChoice, SaysWhyNoneIsLoaded) {
  std::string none = open({}, nullptr);
  EXPECT_NE(none.find("newer.ptx: not for this chip"), std::string::npos);
  EXPECT_NE(none.find("older.ptx: not for this chip"), std::string::npos);
  EXPECT_NE(open({"newer"}, "sm_86")
                .find("compiled for sm_90a, sm_80, not for the device's chip "
                      "'sm_86'; compile the model with --target=nvptx:sm_86"),
            std::string::npos);
}

TEST_F(DeviceChoice, DamageIsNoReasonToTakeAnother) {
  writeFile(bundle.path("newer.ptx"), "damaged");
  EXPECT_NE(open({"older"}, nullptr).find("newer.ptx"), std::string::npos);
}

} // namespace

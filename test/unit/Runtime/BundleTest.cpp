//===- BundleTest.cpp - opening bundles -----------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which bundles open, and the status and message of those that do not.
//
//===----------------------------------------------------------------------===//

#include "TestBundle.h"

#include <set>
#include <sys/stat.h>

namespace moec {

/// The message of opening `path` with "DIR" for the bundle's own directory.
static std::string openError(const TestBundle &bundle, moec_status expected,
                             const moec_options *options = nullptr) {
  moec_model *model = nullptr;
  moec_status status = moec_open(bundle.path().c_str(), options, &model);
  EXPECT_EQ(status, expected) << moec_last_error();
  EXPECT_EQ(model, nullptr);
  moec_close(model);
  std::string message = status == MOEC_OK ? "" : moec_last_error();
  for (size_t at; (at = message.find(bundle.path())) != std::string::npos;)
    message.replace(at, bundle.path().size(), "DIR");
  return message;
}

TEST(BundleTest, opensAndCloses) {
  TestBundle bundle;
  ModelHandle model = openModel(bundle.path());
  ASSERT_TRUE(model);
  EXPECT_STREQ(moec_model_json(model.get()), R"({"name":"fake"})");
  EXPECT_EQ(moec_layer_count(model.get()), 4);
}

TEST(BundleTest, missingDirectoryAndFiles) {
  TestBundle bundle;
  moec_model *model = nullptr;
  EXPECT_EQ(moec_open("/nonexistent", nullptr, &model), MOEC_ERROR_BUNDLE);
  EXPECT_STREQ(moec_last_error(),
               "cannot open '/nonexistent/manifest.json': No such file or "
               "directory; give the directory that moec compile wrote");
  std::filesystem::remove(bundle.path("weights.bin"));
  EXPECT_EQ(openError(bundle, MOEC_ERROR_BUNDLE),
            "cannot open 'DIR/weights.bin': No such file or directory; give "
            "the directory that moec compile wrote");
  std::filesystem::remove(bundle.path("kernel.so"));
  EXPECT_EQ(openError(bundle, MOEC_ERROR_BUNDLE),
            "cannot open 'DIR/kernel.so': No such file or directory; give the "
            "directory that moec compile wrote");
}

TEST(BundleTest, manifestThatIsNoFileOrEmpty) {
  TestBundle bundle;
  writeFile(bundle.path("manifest.json"), "");
  EXPECT_EQ(openError(bundle, MOEC_ERROR_BUNDLE),
            "DIR/manifest.json: the file is not JSON (0 bytes that do not "
            "parse); compile the model again with this version of moec");
  std::filesystem::remove(bundle.path("manifest.json"));
  std::filesystem::create_directory(bundle.path("manifest.json"));
  EXPECT_EQ(openError(bundle, MOEC_ERROR_BUNDLE),
            "'DIR/manifest.json' is not a regular file");
  std::filesystem::remove(bundle.path("manifest.json"));
  // Opening a FIFO for reading would wait for its writer.
  ASSERT_EQ(mkfifo(bundle.path("manifest.json").c_str(), 0600), 0);
  EXPECT_EQ(openError(bundle, MOEC_ERROR_BUNDLE),
            "'DIR/manifest.json' is not a regular file");
}

TEST(BundleTest, wrongFormatVersion) {
  TestBundle bundle;
  std::string text = readFile(bundle.path("manifest.json"));
  std::string key = "\"format_version\": 1";
  text.replace(text.find(key), key.size(), "\"format_version\": 2");
  writeFile(bundle.path("manifest.json"), text);
  EXPECT_EQ(openError(bundle, MOEC_ERROR_BUNDLE),
            "DIR/manifest.json: format_version is 2; this library reads "
            "version 1 only; compile the model again with this version of "
            "moec");
}

TEST(BundleTest, missingFeaturesAreListedWithThoseNeeded) {
  TestBundle bundle;
  std::string present = hostCpuFeatures().front();
  bundle.manifest.cpu = "future";
  bundle.manifest.features = {present, "quantum"};
  // Of these one CPU has at most one, whichever maker it is from.
  bundle.manifest.features.push_back(hostHasCpuFeature("lwp") ? "uintr"
                                                              : "lwp");
  bundle.write();
  std::string lacking = bundle.manifest.features[2];
  EXPECT_EQ(openError(bundle, MOEC_ERROR_CPU),
            "DIR: compiled for CPU 'future', which has features this CPU "
            "lacks; needed: '" +
                present + "', 'quantum', '" + lacking +
                "'; missing: 'quantum' (unknown to this library), '" + lacking +
                "'; compile with --mcpu=native on this machine, or for an "
                "older CPU");
}

TEST(BundleTest, presentFeaturesAreFine) {
  TestBundle bundle;
  bundle.manifest.features = hostCpuFeatures();
  bundle.write();
  EXPECT_TRUE(openModel(bundle.path()));
}

TEST(BundleTest, otherArchitecture) {
  TestBundle bundle;
  bundle.manifest.triple = "riscv64-linux-gnu";
  bundle.write();
  EXPECT_EQ(openError(bundle, MOEC_ERROR_CPU),
            "DIR: compiled for 'riscv64-linux-gnu', but this machine is " +
                std::string(hostArchitecture()) +
                "; compile the model with --target=cpu:" +
                std::string(hostArchitecture()));
}

TEST(BundleTest, canBeDescribedWhateverItIsFor) {
  TestBundle bundle;
  bundle.manifest.triple = "riscv64-linux-gnu";
  bundle.write();
  moec_options options = MOEC_OPTIONS_INIT;
  options.flags = MOEC_OPEN_DESCRIBE;
  moec_model *opened = nullptr;
  ASSERT_EQ(moec_open(bundle.path().c_str(), &options, &opened), MOEC_OK);
  ModelHandle model(opened);
  EXPECT_EQ(moec_layer_count(model.get()),
            int32_t(bundle.manifest.layers.size()));
  moec_context *context = nullptr;
  EXPECT_EQ(moec_context_create(model.get(), 1, &context), MOEC_ERROR_ARGUMENT);
  EXPECT_EQ(std::string(moec_last_error()),
            bundle.path() +
                ": opened with MOEC_OPEN_DESCRIBE, so it cannot run");
}

TEST(BundleTest, wrongSizes) {
  TestBundle bundle;
  writeFile(bundle.path("weights.bin"), "short");
  EXPECT_EQ(openError(bundle, MOEC_ERROR_BUNDLE),
            "DIR/weights.bin: has 5 bytes, but the manifest says 128; the "
            "bundle is incomplete: copy it or compile the model again");
}

TEST(BundleTest, damagedCodeIsNeverLoaded) {
  TestBundle bundle;
  std::string code = readFile(bundle.path("kernel.so"));
  code[code.size() / 2] ^= 1;
  writeFile(bundle.path("kernel.so"), code);
  EXPECT_EQ(openError(bundle, MOEC_ERROR_BUNDLE),
            "DIR/kernel.so: has XXH3 " + xxh3Hex(code.data(), code.size()) +
                ", but the manifest says " + bundle.manifest.kernel.xxh3 +
                "; the bundle is damaged: copy it or compile the model again");
}

TEST(BundleTest, weightsAreHashedOnRequest) {
  TestBundle bundle;
  std::string weights = readFile(bundle.path("weights.bin"));
  weights[0] = 1;
  writeFile(bundle.path("weights.bin"), weights);
  EXPECT_TRUE(openModel(bundle.path()));
  moec_options options = MOEC_OPTIONS_INIT;
  options.flags = MOEC_OPEN_CHECK_WEIGHTS;
  EXPECT_EQ(openError(bundle, MOEC_ERROR_BUNDLE, &options),
            "DIR/weights.bin: has XXH3 " +
                xxh3Hex(weights.data(), weights.size()) +
                ", but the manifest says " + bundle.manifest.weights->xxh3 +
                "; the bundle is damaged: copy it or compile the model again");
}

TEST(BundleTest, codeThatIsNoLibrary) {
  TestBundle bundle;
  std::string text = "not an ELF file";
  writeFile(bundle.path("kernel.so"), text);
  bundle.manifest.kernel = {"kernel.so", int64_t(text.size()),
                            xxh3Hex(text.data(), text.size())};
  bundle.write();
  std::string error = openError(bundle, MOEC_ERROR_BUNDLE);
  EXPECT_EQ(error.rfind("DIR/kernel.so: cannot be loaded: ", 0), 0u) << error;
}

TEST(BundleTest, unknownSymbols) {
  TestBundle bundle;
  bundle.manifest.kernels[1].workspaceSymbol = "missing_workspace";
  bundle.write();
  EXPECT_EQ(openError(bundle, MOEC_ERROR_BUNDLE),
            "DIR/kernel.so: has no function 'missing_workspace', which the "
            "manifest names; compile the model again");
}

TEST(BundleTest, badOptions) {
  TestBundle bundle;
  moec_options options = MOEC_OPTIONS_INIT;
  options.struct_size = 8;
  EXPECT_EQ(openError(bundle, MOEC_ERROR_ARGUMENT, &options),
            "options.struct_size is 8; expected 32: begin with "
            "MOEC_OPTIONS_INIT");
  options = MOEC_OPTIONS_INIT;
  options.flags = 16;
  EXPECT_EQ(openError(bundle, MOEC_ERROR_ARGUMENT, &options),
            "options.flags is 0x10; this library knows 0xf");
  options = MOEC_OPTIONS_INIT;
  options.spin_us = -1;
  EXPECT_EQ(openError(bundle, MOEC_ERROR_ARGUMENT, &options),
            "options.threads is 0 and options.spin_us -1; neither may be "
            "negative");
  moec_model *model = nullptr;
  EXPECT_EQ(moec_open(nullptr, nullptr, &model), MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(), "moec_open: path is NULL");
  EXPECT_EQ(moec_open("x", nullptr, nullptr), MOEC_ERROR_ARGUMENT);
  EXPECT_STREQ(moec_last_error(), "moec_open: model is NULL");
}

TEST(BundleTest, replacedBundleRunsItsOwnCode) {
  // The loader remembers libraries by path. Here the path stays, the file is
  // replaced, and the old one is still open.
  TestBundle bundle;
  ModelHandle before = openModel(bundle.path());
  std::filesystem::copy_file(bundle.path("kernel.so"), bundle.path("new.so"));
  // The tail of the file is not mapped: another file with the same code.
  std::string code = readFile(bundle.path("new.so")) + " ";
  writeFile(bundle.path("new.so"), code);
  std::filesystem::rename(bundle.path("new.so"), bundle.path("kernel.so"));
  bundle.manifest.kernel.bytes = int64_t(code.size());
  bundle.manifest.kernel.xxh3 = xxh3Hex(code.data(), code.size());
  bundle.write();
  ModelHandle after = openModel(bundle.path());
  std::ifstream maps("/proc/self/maps");
  std::set<std::string> mapped;
  for (std::string line; std::getline(maps, line);)
    if (line.find(bundle.path()) != std::string::npos &&
        line.find("kernel.so") != std::string::npos)
      mapped.insert(line.substr(line.find(bundle.path())));
  // The old file, now deleted, and the new one.
  EXPECT_EQ(mapped,
            (std::set<std::string>{bundle.path("kernel.so"),
                                   bundle.path("kernel.so") + " (deleted)"}));
}

} // namespace moec

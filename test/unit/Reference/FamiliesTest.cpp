//===- FamiliesTest.cpp - every family against its own code -----*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Imports the small checkpoints and holds the reference, on unfused and fused
// modules, against what the families' own code computes in float64.
//
//===----------------------------------------------------------------------===//

#include "TestLayers.h"

#include "moec/Dialect/Moe/Passes.h"
#include "moec/Import/HuggingFace/Emit.h"
#include "moec/Import/HuggingFace/Import.h"
#include "moec/Import/Safetensors/SafetensorsFile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

#include <filesystem>

using namespace llvm;

namespace moec::reference {

namespace {

class FamiliesTest : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override {
    std::string directory = MOEC_TEST_MODELS "/" + GetParam();
    checkpoint =
        std::make_unique<Checkpoint>(cantFail(Checkpoint::open(directory)));
    expected = std::make_unique<SafetensorsFile>(
        cantFail(SafetensorsFile::open(directory + "/expected.safetensors")));
    registry = cantFail(hf::FamilyRegistry::create());
    Expected<hf::ResolvedModel> model =
        hf::importModel(*registry, directory, checkpoint.get());
    ASSERT_TRUE(bool(model)) << toString(model.takeError());
    module = cantFail(hf::emitModule(context(), registry->sources(), *model));
    ASSERT_TRUE(succeeded(mlir::verify(*module)));
  }

  Tensor read(const std::string &name) {
    return cantFail(fromHost(cantFail(readTensor(*expected, name))));
  }
  /// What the outputs of `layer` are called in the file; empty if they are not
  /// in it.
  std::string prefixOf(StringRef layer) {
    std::string prefix = "probe." + layer.str() + ".";
    if (expected->find(prefix + "hidden_out"))
      return prefix;
    std::string first = firstLayer();
    return layer == first ? "probe." : "";
  }
  std::string firstLayer() {
    for (auto function : module->getOps<mlir::func::FuncOp>())
      if (!expected->find("probe." + function.getSymName().str() +
                          ".hidden_out"))
        return function.getSymName().str();
    return "";
  }
  void check(StringRef layer, const std::string &prefix);
  void fuse() {
    mlir::PassManager manager(&context());
    manager.addPass(mlir::moe::createMoeFuseRouterPass());
    manager.addPass(mlir::moe::createMoeFuseGatherPass());
    manager.addPass(mlir::moe::createMoeFuseEpiloguePass());
    manager.addPass(mlir::moe::createMoeFuseCombinePass());
    ASSERT_TRUE(succeeded(manager.run(*module)));
  }

  std::unique_ptr<Checkpoint> checkpoint;
  std::unique_ptr<SafetensorsFile> expected;
  std::unique_ptr<hf::FamilyRegistry> registry;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace

/// Runs `layer` on the probe. Rows in which another set of ids is chosen have
/// to be ties, which the library breaks as it likes.
void FamiliesTest::check(StringRef layer, const std::string &prefix) {
  Tensor hidden = read("probe.hidden_in");
  int64_t tokens = hidden.shape[0], width = hidden.shape[1];
  CheckpointWeights weights(*checkpoint);
  Expected<RunResult> result = runLayer(
      *module, layer,
      {{"hidden", hidden}, {"sequence", Tensor::scalar(tokens)}}, weights);
  ASSERT_TRUE(bool(result)) << toString(result.takeError());
  const Tensor &ours = *result->find("hidden");
  const Tensor &ids = *result->find("topk_ids");
  Tensor theirs = read(prefix + "hidden_out_f64");
  Tensor theirIds = read(prefix + "topk_ids");
  Tensor float32 = read(prefix + "hidden_out"),
         margin = read(prefix + "margin");
  for (int64_t row = 0; row < tokens; ++row) {
    std::vector<int64_t> mine = ids.row(row).ints;
    std::vector<int64_t> other = theirIds.row(row).ints;
    llvm::sort(mine);
    llvm::sort(other);
    if (mine != other) {
      EXPECT_LT(margin.value[row], 1e-5) << layer.str() << " row " << row;
      continue;
    }
    double largest = 0;
    for (int64_t i = row * width; i < (row + 1) * width; ++i)
      largest = std::max(largest, std::abs(theirs.value[i]));
    for (int64_t i = row * width; i < (row + 1) * width; ++i) {
      // Some of the code keeps steps in f32 even then.
      EXPECT_NEAR(ours.value[i], theirs.value[i], 1e-7 * largest)
          << layer.str() << " row " << row;
      EXPECT_LE(std::abs(ours.value[i] - float32.value[i]), ours.error[i])
          << layer.str() << " row " << row;
    }
  }
}

TEST_P(FamiliesTest, AgreesWithTheirCode) {
  std::vector<std::pair<std::string, std::string>> layers;
  for (auto function : module->getOps<mlir::func::FuncOp>()) {
    std::string name = function.getSymName().str();
    if (std::string prefix = prefixOf(name); !prefix.empty())
      layers.push_back({name, prefix});
  }
  EXPECT_FALSE(layers.empty());
  for (const auto &[layer, prefix] : layers)
    check(layer, prefix);
  fuse();
  for (const auto &[layer, prefix] : layers)
    check(layer, prefix);
}

static std::vector<std::string> families() {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto &entry :
       std::filesystem::directory_iterator(MOEC_TEST_MODELS, ignored))
    names.push_back(entry.path().filename().string());
  llvm::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, FamiliesTest, testing::ValuesIn(families()),
                         [](const auto &info) { return info.param; });

} // namespace moec::reference

//===- EmitTest.cpp - Emission of the moe dialect ---------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// That what is emitted is valid for every family, and its form for one of each
// kind.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/HuggingFace/Emit.h"
#include "TestSupport.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "moec/Dialect/Moe/Moe.h"
#include "moec/Import/HuggingFace/NewModel.h"

namespace moec::hf {
namespace {

std::string emit(const ResolvedModel &model, EmitOptions options = {}) {
  mlir::MLIRContext context;
  auto module =
      valueOf(emitModule(context, families().sources(), model, options));
  std::string text;
  llvm::raw_string_ostream os(text);
  module->print(os);
  return text;
}

size_t count(llvm::StringRef text, llvm::StringRef what) {
  return text.count(what);
}

TEST(EmitTest, Mixtral) {
  std::string text = emit(valueOf(resolveText(R"({"model_type": "mixtral",
    "hidden_size": 64, "intermediate_size": 32, "num_hidden_layers": 2})")));
  EXPECT_EQ(count(text, "func.func @layers."), 2u);
  EXPECT_EQ(count(text, "moe.weight"), 8u);
  EXPECT_EQ(count(text, "moe.dispatch"), 2u);
  EXPECT_EQ(count(text, "moe.grouped_matmul"), 6u);
  EXPECT_EQ(count(text, "linalg.generic"), 2u);
  EXPECT_EQ(count(text, "moe.combine"), 2u);
  // The rows that meet bf16 weights are rounded, the router's are not.
  EXPECT_NE(text.find("moe.linear %arg0, %gate : (tensor<?x64xf32>"),
            std::string::npos);
  EXPECT_EQ(count(text, "arith.truncf"), 4u);
}

TEST(EmitTest, LayersAndRounding) {
  ResolvedModel model = valueOf(resolveText(R"({"model_type": "mixtral",
    "hidden_size": 64, "intermediate_size": 32, "num_hidden_layers": 3})"));
  EmitOptions options;
  options.wanted = [](llvm::StringRef layer) { return layer == "layers.1"; };
  options.roundRows = false;
  std::string text = emit(model, options);
  EXPECT_EQ(count(text, "func.func"), 1u);
  EXPECT_NE(text.find("func.func @layers.1"), std::string::npos);
  EXPECT_EQ(count(text, "arith.truncf"), 0u);
}

TEST(EmitTest, FurtherInputs) {
  std::string text =
      emit(valueOf(resolveText(R"({"model_type": "switch_transformers",
        "num_layers": 2, "num_sparse_encoder_layers": 1,
        "num_sparse_decoder_layers": 1})")));
  EXPECT_EQ(count(text, "index {moe.name = \"sequence\"}"), 2u);
  EXPECT_EQ(count(text, "moe.capacity"), 2u);
  text = emit(valueOf(resolveText(R"({"model_type": "deepseek_v4",
    "num_hash_layers": 1, "num_hidden_layers": 2})")));
  EXPECT_EQ(count(text, "tensor<?xi64> {moe.name = \"token_ids\"}"), 1u);
  EXPECT_EQ(count(text, "moe.lookup"), 1u);
}

TEST(EmitTest, LocationsPointIntoTheDescription) {
  mlir::MLIRContext context;
  auto module =
      valueOf(emitModule(context, families().sources(),
                         valueOf(resolveText(R"({"model_type": "mixtral",
                           "num_hidden_layers": 1})"))));
  std::string place;
  module->walk([&](mlir::moe::SoftmaxOp op) {
    llvm::raw_string_ostream os(place);
    os << op.getLoc();
  });
  EXPECT_EQ(place, "loc(\"families/mixtral.yaml\":27:7)");
}

/// A small model of every family.
class EveryFamily : public testing::TestWithParam<std::string> {};

TEST_P(EveryFamily, EmitsAValidModule) {
  const Family *family = families().findByName(GetParam());
  NewModelOptions options;
  ConfigFile config{"config.json", valueOf(newModelConfig(*family, options))};
  ResolvedModel model =
      valueOf(resolveModel(families(), *family, config, nullptr));
  EXPECT_TRUE(model.warnings.empty()) << model.warnings[0];
  std::string text = emit(model);
  EXPECT_NE(text.find("moe.router"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Families, EveryFamily,
                         testing::ValuesIn(families().names()),
                         [](const auto &info) { return info.param; });

} // namespace
} // namespace moec::hf

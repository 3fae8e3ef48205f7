//===- VariantTest.cpp - Code for several chips in one bundle -------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Packed weights that two chips' kernels share are there once.
//
//===----------------------------------------------------------------------===//

#include "CompileCode.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

using namespace moec;

namespace {

class VariantTest : public testing::Test {
protected:
  /// Code of one kernel whose plan names its weights, packed as `packs` says.
  CompiledCode makeCode(llvm::StringRef kernel,
                        llvm::ArrayRef<llvm::StringRef> packs,
                        Manifest &manifest) {
    CompiledCode code;
    code.bytes = 10;
    code.kernels[kernel] = {0, mlir::Builder(&context).getStrArrayAttr(packs)};
    ManifestPlan &plan =
        manifest.kernels.emplace_back(ManifestKernel{kernel.str(), ""})
            .plan.emplace();
    ManifestLaunch &launch = plan.launches.emplace_back();
    for (size_t i = 0; i < packs.size(); ++i) {
      launch.arguments.push_back({ArgumentKind::Weight, int64_t(i)});
      launch.arguments.push_back({ArgumentKind::Buffer, int64_t(i)});
      plan.maps.push_back({.weight = int64_t(i)});
    }
    return code;
  }

  mlir::MLIRContext context;
};

TEST_F(VariantTest, SharesPackedWeights) {
  Manifest manifest, other;
  CompiledCode code = makeCode("k", {"gate", "up"}, manifest);
  CompiledCode variant = makeCode("k", {"wide up", "gate"}, other);
  ASSERT_FALSE(errorToBool(addVariant(manifest, code, other, variant)));
  EXPECT_EQ(code.bytes, 20u);
  EXPECT_EQ(code.kernels["k"].second,
            mlir::Builder(&context).getStrArrayAttr({"gate", "up", "wide up"}));
  ASSERT_EQ(manifest.variants.size(), 1u);
  const ManifestPlan &plan = *manifest.variants[0].kernels[0].plan;
  EXPECT_EQ(plan.launches[0].arguments[0].number, 2);
  EXPECT_EQ(plan.launches[0].arguments[1].number, 0);
  EXPECT_EQ(plan.launches[0].arguments[2].number, 0);
  EXPECT_EQ(plan.maps[0].weight, 2);
  EXPECT_EQ(plan.maps[1].weight, 0);
}

TEST_F(VariantTest, RefusesOtherKernels) {
  Manifest manifest, other;
  manifest.cpu = "sm_90a";
  other.cpu = "sm_80";
  CompiledCode code = makeCode("k", {"gate"}, manifest);
  CompiledCode variant = makeCode("q", {"gate"}, other);
  EXPECT_EQ(toString(addVariant(manifest, code, other, variant)),
            "sm_90a and sm_80 do not share kernel 'k', so one bundle cannot "
            "hold both; compile a bundle for each");
}

} // namespace

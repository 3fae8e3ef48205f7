//===- ShareKernels.cpp - One kernel for equal layers -------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the description of moe-share-kernels in dialects/moe/MoePasses.td.
//
//===----------------------------------------------------------------------===//

#include "moec/Dialect/Moe/Moe.h"
#include "moec/Dialect/Moe/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::moe {
#define GEN_PASS_DEF_MOESHAREKERNELSPASS
#include "moec/Dialect/Moe/MoePasses.h.inc"

namespace {

/// Turns the weights `layer` uses into arguments, in order of first use.
SmallVector<Attribute> takeWeightsAsArguments(func::FuncOp layer) {
  llvm::MapVector<Attribute, SmallVector<UseOp>> uses;
  layer.walk(
      [&](UseOp use) { uses[Attribute(use.getWeightAttr())].push_back(use); });
  SmallVector<Attribute> weights;
  for (auto &[weight, ops] : uses) {
    unsigned index = layer.getNumArguments();
    (void)layer.insertArgument(index, ops[0].getType(), {}, ops[0].getLoc());
    for (UseOp use : ops) {
      use.replaceAllUsesWith(Value(layer.getArgument(index)));
      use.erase();
    }
    weights.push_back(weight);
  }
  return weights;
}

/// The text of a function without its name: equal functions have equal text.
std::string bodyText(func::FuncOp function) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  StringAttr name = function.getSymNameAttr();
  function.setSymName("kernel");
  function.print(stream, OpPrintingFlags().useLocalScope());
  function.setSymNameAttr(name);
  return text;
}

struct MoeShareKernelsPass
    : impl::MoeShareKernelsPassBase<MoeShareKernelsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    llvm::StringMap<FlatSymbolRefAttr> kernels;
    SmallVector<func::FuncOp> layers = findLayers(module);
    for (func::FuncOp layer : layers) {
      StringAttr name = layer.getSymNameAttr();
      Location location = layer.getLoc();
      SmallVector<Attribute> weights = takeWeightsAsArguments(layer);
      FlatSymbolRefAttr &kernel = kernels[bodyText(layer)];
      OpBuilder builder(module.getContext());
      builder.setInsertionPointAfter(layer);
      symbols.remove(layer);
      if (!kernel) {
        layer.setSymName("kernel_" + std::to_string(kernels.size() - 1));
        layer.setPrivate();
        symbols.insert(layer, layer->getIterator());
        kernel = FlatSymbolRefAttr::get(layer.getSymNameAttr());
      } else {
        layer.erase();
      }
      auto binding = LayerOp::create(builder, location, name, StringAttr(),
                                     kernel, builder.getArrayAttr(weights));
      symbols.insert(binding, binding->getIterator());
    }
    if (!layers.empty())
      remark::analysis(
          module.getLoc(),
          remark::RemarkOpts::name("share-kernels").category("moe-statistics"))
          << std::to_string(layers.size()) + " layers run " +
                 std::to_string(kernels.size()) + " kernels";
  }

  /// Public functions with a body that nothing in the module refers to.
  static SmallVector<func::FuncOp> findLayers(ModuleOp module) {
    SymbolTableCollection tables;
    SymbolUserMap users(tables, module);
    SmallVector<func::FuncOp> layers;
    for (auto function : module.getOps<func::FuncOp>())
      if (function.isPublic() && !function.isExternal() &&
          users.useEmpty(function))
        layers.push_back(function);
    return layers;
  }
};

} // namespace
} // namespace mlir::moe

//===- CompileCpu.cpp - The code of a bundle for a CPU --------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One shared library with two functions for each kernel.
//
//===----------------------------------------------------------------------===//

#include "CompileCode.h"
#include "moec/Target/Object.h"
#include "moec/Target/TargetCpu.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace llvm;
using namespace mlir;

namespace moec {

Expected<CompiledCode> compileCpu(ModuleOp module, const CpuTarget &target,
                                  StringRef reproducer,
                                  const OutputDir &directory,
                                  Manifest &manifest) {
  CompiledCode code;
  OwningOpRef<ModuleOp> lowered = cast<ModuleOp>(module->clone());
  if (Error error =
          lowerModule(*lowered, Phase::Scheduled, Phase::Loops, target,
                      /*fuse=*/true, reproducer))
    return std::move(error);
  for (auto function : lowered->getOps<func::FuncOp>()) {
    auto packs = function->getAttrOfType<ArrayAttr>("moe.packs");
    if (!packs)
      continue;
    std::string symbol = function.getSymName().str();
    code.kernels[StringRef(symbol).drop_front(strlen("moec_"))] = {
        manifest.kernels.size(), packs};
    ManifestKernel &kernel = manifest.kernels.emplace_back();
    kernel.symbol = symbol;
    kernel.workspaceSymbol = symbol + "_workspace";
    for (auto stage : function->getAttrOfType<ArrayAttr>("moe.stages")
                          .getAsRange<StringAttr>())
      kernel.stages.push_back(stage.str());
    function->removeAttr("moe.packs");
    function->removeAttr("moe.stages");
  }
  if (Error error = lowerModule(*lowered, Phase::Loops, Phase::Llvm, target,
                                /*fuse=*/true, reproducer))
    return std::move(error);
  auto object = emitObject(*lowered, target);
  if (!object)
    return object.takeError();
  auto library = linkSharedLibrary(*object);
  if (!library)
    return library.takeError();
  Expected<ManifestFile> file =
      writeCode(directory, "kernel.so", {library->data(), library->size()});
  if (!file)
    return file.takeError();
  manifest.kernel = std::move(*file);
  code.bytes = library->size();
  manifest.triple = target.triple;
  manifest.cpu = target.name;
  manifest.features = requiredFeatures(target);
  return code;
}

} // namespace moec

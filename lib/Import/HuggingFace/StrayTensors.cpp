//===- StrayTensors.cpp - Tensors that should not be there ------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A configuration that leaves a part of a layer out, while the checkpoint has
// its weights, is not the configuration the weights were trained with.
//
//===----------------------------------------------------------------------===//

#include "Resolver.h"
#include "TensorNames.h"
#include "TensorUses.h"
#include "llvm/ADT/STLExtras.h"

namespace moec::hf {

/// Of a dense layer only the experts' tensors must not be there: its own may
/// have the names that the others have in a MoE layer.
static bool mayBeThere(const ResolvedLayer &layer, const TensorUses &uses,
                       const TensorDeclaration &declaration) {
  return layer.moe ? llvm::is_contained(uses.all, declaration.name)
                   : declaration.indices.empty() ||
                         declaration.indices.front().name != "e";
}

llvm::Error checkStrayTensors(const LayerScope &scope, const LayerStack &stack,
                              const TensorDirectory &directory,
                              const ResolvedLayer &layer) {
  TensorUses uses = findTensorUses(scope.family, layer);
  for (const std::string &pattern : stack.prefixes) {
    llvm::Expected<std::string> prefix = fillIn(scope, pattern, stack.loc);
    if (!prefix)
      return prefix.takeError();
    for (const TensorDeclaration &declaration : scope.family.tensors) {
      if (mayBeThere(layer, uses, declaration))
        continue;
      llvm::Expected<std::string> name = firstFile(scope, *prefix, declaration);
      if (!name)
        return name.takeError();
      if (!directory.find(*name))
        continue;
      std::string what = layer.moe ? fmt::format("{} has no '{}'", layer.name,
                                                 declaration.name)
                                   : layer.name + " is a dense layer";
      return inputError(
          "{}: tensor {} is there, but by config.json {} ({}); "
          "config.json and the tensors contradict each other",
          directory.path(), quote(*name), what,
          scope.sources.place(layer.moe ? declaration.loc : stack.loc));
    }
  }
  return llvm::Error::success();
}

} // namespace moec::hf

//===- ConfigFuzzer.cpp - Fuzzes configurations and family descriptions -*- C++
//-*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An input is a family description, a line of dashes ('-----'), and a
// config.json. With nothing before the dashes the built-in families are used.
// Whatever is accepted is resolved without files, and its first MoE layer is
// emitted.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/MLIRContext.h"
#include "moec/Import/HuggingFace/Emit.h"

using namespace moec::hf;

static void check(const FamilyRegistry &registry, llvm::StringRef text) {
  llvm::Expected<ConfigFile> config = ConfigFile::parse("config.json", text);
  if (!config)
    return llvm::consumeError(config.takeError());
  llvm::Expected<const Family *> family = detectFamily(registry, *config);
  if (!family)
    return llvm::consumeError(family.takeError());
  llvm::Expected<ResolvedModel> model =
      resolveModel(registry, **family, *config, /*tensors=*/nullptr);
  if (!model)
    return llvm::consumeError(model.takeError());

  static mlir::MLIRContext context;
  std::string chosen;
  for (const ResolvedLayer &layer : model->layers)
    if (layer.moe && chosen.empty())
      chosen = layer.name;
  EmitOptions options;
  options.wanted = [&](llvm::StringRef layer) { return layer == chosen; };
  auto module = emitModule(context, registry.sources(), *model, options);
  if (!module)
    llvm::consumeError(module.takeError());
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static std::unique_ptr<FamilyRegistry> builtIn =
      llvm::cantFail(FamilyRegistry::create());
  llvm::StringRef input(reinterpret_cast<const char *>(data), size);
  auto [description, config] = input.split("-----\n");
  if (description.empty()) {
    check(*builtIn, config);
    return 0;
  }
  std::unique_ptr<FamilyRegistry> registry = FamilyRegistry::createEmpty();
  if (llvm::Error error = registry->add("family.yaml", description)) {
    llvm::consumeError(std::move(error));
    return 0;
  }
  check(*registry, config);
  return 0;
}

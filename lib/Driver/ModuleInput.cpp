//===- ModuleInput.cpp - A module to compile ------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A module from a checkpoint directory, by import, or from a .mlir file.
//
//===----------------------------------------------------------------------===//

#include "Facts.h"
#include "ModelInput.h"

#include "moec/Dialect/Moe/Moe.h"
#include "moec/Import/HuggingFace/Emit.h"
#include "moec/Support/InputFile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <nlohmann/json.hpp>

using namespace llvm;

namespace moec::driver {

ModuleInput::ModuleInput() = default;
ModuleInput::ModuleInput(ModuleInput &&) noexcept = default;
ModuleInput::~ModuleInput() = default;

std::unique_ptr<mlir::MLIRContext> createContext() {
  mlir::DialectRegistry registry;
  registry.insert<mlir::arith::ArithDialect, mlir::func::FuncDialect,
                  mlir::linalg::LinalgDialect, mlir::math::MathDialect,
                  mlir::moe::MoeDialect, mlir::scf::SCFDialect,
                  mlir::tensor::TensorDialect, mlir::vector::VectorDialect>();
  auto context = std::make_unique<mlir::MLIRContext>(registry);
  // Messages quote the source; the whole operation as text would bury them.
  context->printOpOnDiagnostic(false);
  return context;
}

static std::string absolutePath(StringRef path) {
  SmallString<128> result;
  if (sys::fs::real_path(path, result))
    result = path;
  return result.str().str();
}

static std::string dumpJson(const nlohmann::json &value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

//===----------------------------------------------------------------------===//
// From a checkpoint directory
//===----------------------------------------------------------------------===//

static Error checkLayers(const hf::ResolvedModel &model,
                         const ModelOptions &options) {
  std::vector<std::string> layers, dense;
  for (const hf::ResolvedLayer &layer : model.layers)
    (layer.moe ? layers : dense).push_back(layer.name);
  if (layers.empty())
    return inputError("{}: none of its {} has experts; there is nothing to "
                      "compile",
                      printable(options.path), plural(dense.size(), "layer"));
  return options.layers.check(layers, dense, printable(options.path));
}

static Error importInto(ModuleInput &input, const ModelOptions &options,
                        bool needWeights, Console &console) {
  Expected<ImportedModel> imported = readModel(options, needWeights, console);
  if (!imported)
    return imported.takeError();
  if (Error error = checkLayers(imported->model, options))
    return error;
  hf::EmitOptions emit;
  emit.wanted = [&](StringRef name) { return options.layers.contains(name); };
  auto module = hf::emitModule(*input.context, imported->registry->sources(),
                               imported->model, emit);
  if (!module)
    return module.takeError();
  input.module = std::move(*module);
  (*input.module)
      ->setAttr(checkpointAttribute,
                mlir::StringAttr::get(input.context.get(),
                                      absolutePath(options.path)));
  ModelFacts facts = modelFacts(*imported, options.path);
  nlohmann::json description = toJson(facts);
  description["source"] = facts.path;
  input.description = dumpJson(description);
  input.checkpoint = std::move(imported->checkpoint);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// From a .mlir file
//===----------------------------------------------------------------------===//

/// Erases the layers that are not selected.
static Error selectLayers(mlir::ModuleOp module, const ModelOptions &options) {
  std::vector<std::string> names;
  SmallVector<mlir::Operation *> unwanted;
  for (mlir::Operation &op : module.getBody()->getOperations()) {
    auto function = dyn_cast<mlir::func::FuncOp>(op);
    if (!isa<mlir::moe::LayerOp>(op) &&
        !(function && function.isPublic() && !function.isExternal()))
      continue;
    names.push_back(mlir::SymbolTable::getSymbolName(&op).str());
    if (!options.layers.contains(names.back()))
      unwanted.push_back(&op);
  }
  if (Error error = options.layers.check(names, {}, printable(options.path)))
    return error;
  for (mlir::Operation *op : unwanted)
    op->erase();
  return Error::success();
}

static Error parseFile(ModuleInput &input, const ModelOptions &options) {
  constexpr uint64_t maxText = uint64_t(1) << 30;
  Expected<std::string> text = readTextFile(options.path, maxText);
  if (!text)
    return text.takeError();
  input.sources->AddNewSourceBuffer(
      MemoryBuffer::getMemBufferCopy(*text, options.path), SMLoc());
  mlir::ParserConfig config(input.context.get());
  input.module = mlir::parseSourceFile<mlir::ModuleOp>(*input.sources, config);
  if (!input.module)
    return inputError("{} is not a valid module; the messages above say why",
                      printable(options.path));
  return selectLayers(*input.module, options);
}

/// Where the weights of the module are; empty if nothing says.
static std::string checkpointOf(const ModuleInput &input,
                                const ModelOptions &options) {
  auto named =
      (*input.module)->getAttrOfType<mlir::StringAttr>(checkpointAttribute);
  if (!named)
    return "";
  if (sys::path::is_absolute(named.getValue()))
    return named.str();
  SmallString<128> path(sys::path::parent_path(options.path));
  sys::path::append(path, named.getValue());
  return path.str().str();
}

static Error parseInto(ModuleInput &input, const ModelOptions &options,
                       const std::optional<std::string> &checkpointPath,
                       bool needWeights) {
  if (Error error = parseFile(input, options))
    return error;
  std::string source =
      checkpointPath ? *checkpointPath : checkpointOf(input, options);
  input.description =
      dumpJson({{"name", sys::path::stem(options.path).str()},
                {"source", source.empty() ? "" : absolutePath(source)}});
  if (!needWeights)
    return Error::success();
  if (source.empty())
    return inputError("{} does not say where its weights are: add --model=DIR, "
                      "give the module the attribute {}, or leave them out "
                      "with --no-weights",
                      printable(options.path), checkpointAttribute);
  Expected<Checkpoint> checkpoint = Checkpoint::open(source);
  if (!checkpoint)
    return checkpoint.takeError();
  input.checkpoint = std::make_unique<Checkpoint>(std::move(*checkpoint));
  return Error::success();
}

Expected<ModuleInput>
readModule(const ModelOptions &options,
           const std::optional<std::string> &checkpointPath, bool needWeights,
           Console &console) {
  ModuleInput input;
  input.sources = std::make_unique<SourceMgr>();
  input.context = createContext();
  input.diagnostics = std::make_unique<mlir::SourceMgrDiagnosticHandler>(
      *input.sources, input.context.get(), errs());
  bool isText = StringRef(options.path).ends_with(".mlir") &&
                !sys::fs::is_directory(options.path);
  if (!isText && checkpointPath)
    return usageError("--model names the checkpoint of a .mlir file; {} is a "
                      "checkpoint itself",
                      quote(options.path));
  Error error = isText ? parseInto(input, options, checkpointPath, needWeights)
                       : importInto(input, options, needWeights, console);
  if (error)
    return std::move(error);
  return input;
}

} // namespace moec::driver

//===- ModelInput.h - What the compiler is given ----------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A checkpoint directory or a .mlir file, opened and turned into a module: the
// beginning of inspect, import and compile.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_MODELINPUT_H
#define MOEC_LIB_DRIVER_MODELINPUT_H

#include "Console.h"
#include "moec/Driver/LayerSelection.h"
#include "moec/Driver/Options.h"
#include "moec/Import/HuggingFace/Model.h"
#include "moec/Import/Safetensors/Checkpoint.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/SourceMgr.h"

#include <memory>
#include <optional>

namespace mlir {
class SourceMgrDiagnosticHandler;
}

namespace moec::driver {

/// The module attribute that names a .mlir file's checkpoint, relative to the
/// file.
inline constexpr llvm::StringLiteral checkpointAttribute = "moe.checkpoint";

/// Options about the model that several commands have.
struct ModelOptions {
  std::string path;
  std::optional<std::string> familyFile;
  LayerSelection layers;

  void declareFamilyFile(OptionTable &options);
  void declareLayers(OptionTable &options);
};

/// The families built in and, if one is given, that of a file.
llvm::Expected<std::unique_ptr<hf::FamilyRegistry>>
createRegistry(const std::optional<std::string> &familyFile);

/// A checkpoint directory whose configuration and tensors agree.
struct ImportedModel {
  /// Locations in `model` point into its texts.
  std::unique_ptr<hf::FamilyRegistry> registry;
  /// None if the directory has no weights.
  std::unique_ptr<Checkpoint> checkpoint;
  hf::ResolvedModel model;
};

/// Reads a checkpoint directory. Without `needWeights` it may lack the weights,
/// as one that `new-model --no-weights` wrote does.
llvm::Expected<ImportedModel> readModel(const ModelOptions &options,
                                        bool needWeights, Console &console);

/// Whether there is a file called `name` in `directory`.
bool hasFile(llvm::StringRef directory, llvm::StringRef name);

/// A context with the dialects that a module may be in.
std::unique_ptr<mlir::MLIRContext> createContext();

/// A module and where its weights are.
struct ModuleInput {
  /// Of the text that diagnostics quote.
  std::unique_ptr<llvm::SourceMgr> sources;
  std::unique_ptr<mlir::MLIRContext> context;
  std::unique_ptr<mlir::SourceMgrDiagnosticHandler> diagnostics;
  std::unique_ptr<Checkpoint> checkpoint;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// What the manifest says of the model: the text of a JSON object.
  std::string description = "{}";

  ModuleInput();
  ModuleInput(ModuleInput &&) noexcept;
  ~ModuleInput();
};

/// Reads a checkpoint directory or a .mlir file. `checkpointPath` wins over
/// what the .mlir file names.
llvm::Expected<ModuleInput>
readModule(const ModelOptions &options,
           const std::optional<std::string> &checkpointPath, bool needWeights,
           Console &console);

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_MODELINPUT_H

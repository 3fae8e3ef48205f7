//===- Resolver.h - Resolving one layer -------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The steps from a family and a bound configuration to a resolved layer:
// dimensions and declared tensors, programs, file tensors.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_IMPORT_HUGGINGFACE_RESOLVER_H
#define MOEC_LIB_IMPORT_HUGGINGFACE_RESOLVER_H

#include "RoutineBuilder.h"
#include "moec/Import/HuggingFace/Model.h"
#include <set>

namespace moec::hf {

/// Evaluates the declarations' sizes and conditions into scope.tensors and
/// scope.absentTensors.
llvm::Error declareTensors(LayerScope &scope);

/// Builds the programs of `layer` and what follows from them.
llvm::Error buildRoutines(LayerScope &scope, ResolvedLayer &layer);

/// How numbers are stored where no files say so.
struct StoragePolicy {
  DType dtype = DType::BF16; // f8e4m3: fp8 where that is usual
  bool mxfp4 = false;
  /// Of fp8: rows and columns of a block; 0 if the configuration has none.
  int64_t blockRows = 0, blockCols = 0;
};
llvm::Expected<StoragePolicy> readStoragePolicy(const ConfigFile &config,
                                                const ResolveOptions &options);

/// Finds the tensors that the programs of `layer` use.
llvm::Error resolveTensors(const LayerScope &scope, const LayerStack &stack,
                           const TensorDirectory *directory,
                           const StoragePolicy &policy, ResolvedLayer &layer);

/// Fails if the checkpoint has tensors that the description knows and that this
/// layer, with this configuration, does not use.
llvm::Error checkStrayTensors(const LayerScope &scope, const LayerStack &stack,
                              const TensorDirectory &directory,
                              const ResolvedLayer &layer);

} // namespace moec::hf

#endif // MOEC_LIB_IMPORT_HUGGINGFACE_RESOLVER_H

//===- TensorNames.h - Names of file tensors --------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the patterns of a description to names in a checkpoint.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_IMPORT_HUGGINGFACE_TENSORNAMES_H
#define MOEC_LIB_IMPORT_HUGGINGFACE_TENSORNAMES_H

#include "RoutineBuilder.h"
#include "moec/Import/HuggingFace/Model.h"

namespace moec::hf {

/// Replaces {n} and {NAME} by values; {e} stays, {e + KEY} becomes {e+8}.
llvm::Expected<std::string> fillIn(const LayerScope &scope,
                                   llvm::StringRef text, llvm::SMLoc loc);

/// A name under the prefix; each "../" in front goes up one step.
std::string joinNames(llvm::StringRef prefix, llvm::StringRef name);

/// The first file tensor of a declaration: expert 0's, where each has its own.
llvm::Expected<std::string> firstFile(const LayerScope &scope,
                                      llvm::StringRef prefix,
                                      const TensorDeclaration &declaration);

} // namespace moec::hf

#endif // MOEC_LIB_IMPORT_HUGGINGFACE_TENSORNAMES_H

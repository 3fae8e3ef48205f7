//===- EmbeddedFamilies.h - Data files in the program -----------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//

#ifndef MOEC_LIB_IMPORT_HUGGINGFACE_EMBEDDEDFAMILIES_H
#define MOEC_LIB_IMPORT_HUGGINGFACE_EMBEDDEDFAMILIES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace moec::hf {

struct EmbeddedFile {
  llvm::StringRef name; // without folder and suffix
  llvm::StringRef text;
};

/// families/*.yaml, sorted by name.
llvm::ArrayRef<EmbeddedFile> embeddedFamilies();

/// common-keys.txt: a key or a pattern a line, '#' starts a comment.
llvm::StringRef embeddedCommonKeys();

} // namespace moec::hf

#endif // MOEC_LIB_IMPORT_HUGGINGFACE_EMBEDDEDFAMILIES_H

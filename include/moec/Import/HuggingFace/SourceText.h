//===- SourceText.h - Text that errors point into ---------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//

#ifndef MOEC_IMPORT_HUGGINGFACE_SOURCETEXT_H
#define MOEC_IMPORT_HUGGINGFACE_SOURCETEXT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/SourceMgr.h"
#include <optional>
#include <string>
#include <vector>

namespace moec::hf {

/// All family descriptions of a session. Locations point into their buffers,
/// so whoever keeps a location keeps this alive.
class Sources {
public:
  Sources() = default;
  Sources(const Sources &) = delete;
  Sources &operator=(const Sources &) = delete;

  /// Keeps a copy of `text`; returns the copy, which a NUL follows.
  llvm::StringRef add(llvm::StringRef name, llvm::StringRef text);

  /// "name:line:column: error: message", the line and a caret under it.
  llvm::Error error(llvm::SMLoc at, const llvm::Twine &message) const;

  struct Position {
    llvm::StringRef file;
    unsigned line, column;
  };
  /// None for a location in no file.
  std::optional<Position> position(llvm::SMLoc at) const;

  /// "name:line:column"; "the importer" for a location in no file.
  std::string place(llvm::SMLoc at) const;

private:
  llvm::SourceMgr manager;
};

/// A piece of a file that was unwrapped from YAML (indentation or quotes
/// removed), with the place in the file of each of its lines.
struct Snippet {
  std::string text;
  std::vector<llvm::SMLoc> lines;

  /// The place in the file of the character at `offset` of `text`.
  llvm::SMLoc at(size_t offset) const;
};

} // namespace moec::hf

#endif // MOEC_IMPORT_HUGGINGFACE_SOURCETEXT_H

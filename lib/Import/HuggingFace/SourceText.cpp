//===- SourceText.cpp - Text that errors point into -------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Locations, excerpts and carets of errors in family descriptions.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/HuggingFace/SourceText.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

namespace moec::hf {

llvm::StringRef Sources::add(llvm::StringRef name, llvm::StringRef text) {
  unsigned id = manager.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text, name), llvm::SMLoc());
  return manager.getMemoryBuffer(id)->getBuffer();
}

llvm::Error Sources::error(llvm::SMLoc at, const llvm::Twine &message) const {
  if (!position(at))
    return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
  std::string text;
  llvm::raw_string_ostream os(text);
  manager.GetMessage(at, llvm::SourceMgr::DK_Error, message)
      .print(nullptr, os, /*ShowColors=*/false);
  if (text.ends_with('\n'))
    text.pop_back();
  return llvm::createStringError(llvm::inconvertibleErrorCode(), text);
}

std::optional<Sources::Position> Sources::position(llvm::SMLoc at) const {
  unsigned id = at.isValid() ? manager.FindBufferContainingLoc(at) : 0;
  if (id == 0)
    return std::nullopt;
  auto [line, column] = manager.getLineAndColumn(at, id);
  return Position{manager.getMemoryBuffer(id)->getBufferIdentifier(), line,
                  column};
}

std::string Sources::place(llvm::SMLoc at) const {
  std::optional<Position> where = position(at);
  if (!where)
    return "the importer";
  return (where->file + ":" + llvm::Twine(where->line) + ":" +
          llvm::Twine(where->column))
      .str();
}

llvm::SMLoc Snippet::at(size_t offset) const {
  size_t line = 0, start = 0;
  for (size_t i = 0, e = std::min(offset, text.size()); i < e; ++i) {
    if (text[i] != '\n')
      continue;
    ++line;
    start = i + 1;
  }
  if (lines.empty())
    return {};
  line = std::min(line, lines.size() - 1);
  return llvm::SMLoc::getFromPointer(lines[line].getPointer() +
                                     (offset - start));
}

} // namespace moec::hf

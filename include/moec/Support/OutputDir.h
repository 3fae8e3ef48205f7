//===- OutputDir.h - directories that appear whole or not -------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A bundle or a checkpoint is a directory of files that belong together. It is
// filled beside its destination under a temporary name and exchanged with what
// was there on commit(), so that a reader sees the old one or the new one.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_SUPPORT_OUTPUTDIR_H
#define MOEC_SUPPORT_OUTPUTDIR_H

#include "moec/Support/Cleanup.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace moec {

/// A directory being filled.
class OutputDir {
public:
  /// Makes the temporary directory. `marker` names a file which every such
  /// directory holds ("manifest.json"): an existing directory at `path` is
  /// replaced only if it is empty or holds it. Fails if something else is
  /// there, or if the parent is missing or cannot be written to. Leftovers of
  /// runs that were killed are removed.
  static llvm::Expected<OutputDir> create(llvm::StringRef path,
                                          llvm::StringRef marker);
  OutputDir(OutputDir &&other) noexcept;
  OutputDir &operator=(OutputDir &&other) noexcept;
  /// Discards what was not committed.
  ~OutputDir();

  /// Where the directory will be, with symbolic links resolved.
  const std::string &path() const { return destination; }
  /// Where its files are written until commit().
  llvm::StringRef temporaryPath() const { return temporary.path(); }
  /// The path under temporaryPath() of the file `name`.
  std::string file(llvm::StringRef name) const;
  /// An error from writing the files, which names them as they will be called
  /// after commit().
  llvm::Error explain(llvm::Error error) const;

  /// Brings all files to the disk and puts the directory in its place; what it
  /// replaces is removed. Fails if the marker was not written, or if what is at
  /// the destination has meanwhile become something not to be replaced.
  llvm::Error commit();

private:
  OutputDir() = default;
  void close();

  std::string destination, marker;
  TemporaryPath temporary;
  /// Held open and locked: tells other runs that this one is alive.
  int descriptor = -1;
};

} // namespace moec

#endif // MOEC_SUPPORT_OUTPUTDIR_H

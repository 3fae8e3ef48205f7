//===- TestFiles.h - what tests of readers and writers share ----*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A directory for a test's files, and the text of errors for comparison.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_TEST_UNIT_TESTFILES_H
#define MOEC_TEST_UNIT_TESTFILES_H

#include "moec/Support/Text.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace moec {

/// A new directory, removed with all that is in it at the end.
class TempDir {
public:
  TempDir() {
    llvm::SmallString<128> name;
    EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("moec-test", name));
    // Resolved, since messages may show the resolved path.
    llvm::SmallString<128> real;
    EXPECT_FALSE(llvm::sys::fs::real_path(name, real));
    root = real.str().str();
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(root, ignored);
  }
  TempDir(const TempDir &) = delete;
  TempDir &operator=(const TempDir &) = delete;

  const std::string &path() const { return root; }
  std::string path(llvm::StringRef name) const {
    return root + "/" + name.str();
  }

  /// Writes a file and returns its path.
  std::string write(llvm::StringRef name, llvm::StringRef content) const {
    std::ofstream(path(name), std::ios::binary)
        .write(content.data(), std::streamsize(content.size()));
    return path(name);
  }

  std::string read(llvm::StringRef name) const {
    std::ifstream stream(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  /// Sorted names of all entries, hidden ones included.
  std::vector<std::string> list(llvm::StringRef under = "") const {
    std::vector<std::string> names;
    std::error_code code;
    for (llvm::sys::fs::directory_iterator it(path(under), code), end;
         !code && it != end; it.increment(code))
      names.push_back(llvm::sys::path::filename(it->path()).str());
    std::sort(names.begin(), names.end());
    return names;
  }

private:
  std::string root;
};

/// An error's message with every `root` replaced by "DIR"; "" for success.
inline std::string message(llvm::Error error, llvm::StringRef root = "") {
  std::string text = error ? llvm::toString(std::move(error)) : "";
  for (size_t at; !root.empty() && (at = text.find(root)) != text.npos;)
    text.replace(at, root.size(), "DIR");
  return text;
}

template <typename T>
std::string message(llvm::Expected<T> &&result, llvm::StringRef root = "") {
  return message(result.takeError(), root);
}

} // namespace moec

#endif // MOEC_TEST_UNIT_TESTFILES_H

//===- Text.h - text for people ---------------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Small formatters shared by messages and reports: sizes and counts with units,
// shapes, and text taken from files, which may hold terminal escapes and is
// never printed as it came.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_SUPPORT_TEXT_H
#define MOEC_SUPPORT_TEXT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace moec {

/// `text` with control characters and bytes that are not UTF-8 as \xNN.
std::string printable(llvm::StringRef text);

/// printable() in single quotes, cut to about `limit` bytes.
std::string quote(llvm::StringRef text, size_t limit = 200);

/// "[8, 16]"; "[]" for a scalar.
std::string formatShape(llvm::ArrayRef<int64_t> shape);

/// Bytes in binary units with two to four digits: "17 B", "1.2 GiB".
std::string formatBytes(uint64_t bytes);

/// A count in decimal units: "17", "3.4 k", "12 M", "480 G".
std::string formatCount(uint64_t count);

/// "1 tensor", "2 tensors".
std::string plural(uint64_t count, llvm::StringRef noun);

} // namespace moec

/// Lets fmt print a StringRef.
template <>
struct fmt::formatter<llvm::StringRef> : fmt::formatter<fmt::string_view> {
  template <typename Context>
  auto format(llvm::StringRef text, Context &context) const {
    return fmt::formatter<fmt::string_view>::format({text.data(), text.size()},
                                                    context);
  }
};

#endif // MOEC_SUPPORT_TEXT_H

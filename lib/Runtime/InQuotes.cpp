//===- InQuotes.cpp - untrusted text in messages --------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Escaping and shortening.
//
//===----------------------------------------------------------------------===//

#include "InQuotes.h"

#include <fmt/format.h>

namespace moec {

/// The longest text a message repeats.
static constexpr size_t kMaxQuoted = 80;

std::string inQuotes(std::string_view text) {
  std::string result = "'";
  for (unsigned char c : text.substr(0, kMaxQuoted)) {
    if (c >= 0x20 && c < 0x7f)
      result += char(c);
    else
      result += fmt::format("\\x{:02x}", c);
  }
  return result + (text.size() > kMaxQuoted ? "...'" : "'");
}

} // namespace moec

//===- InQuotes.h - untrusted text in messages ------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Names that come from files and callers may hold anything, and messages go to
// terminals and logs.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_INQUOTES_H
#define MOEC_LIB_RUNTIME_INQUOTES_H

#include <string>
#include <string_view>

namespace moec {

/// `text` in single quotes: at most 80 bytes of it, with what is not printable
/// ASCII written as \xNN.
std::string inQuotes(std::string_view text);

} // namespace moec

#endif // MOEC_LIB_RUNTIME_INQUOTES_H

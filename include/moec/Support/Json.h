//===- Json.h - JSON from files that nobody vouches for ---------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parsing without exceptions, with the two rules that JSON itself lacks and
// untrusted files need: a key appears once in an object, and nesting is
// bounded. Errors name the file, and line and column where that is known.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_SUPPORT_JSON_H
#define MOEC_SUPPORT_JSON_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>

namespace moec {

/// Parses `text`, which `file` names in messages. Fails on what is not JSON
/// (no comments, no trailing commas), on a repeated key, and below `maxDepth`
/// levels of nesting. NaN, Infinity and -Infinity, which Python's json module
/// writes and config.json files hold, are numbers here.
llvm::Expected<nlohmann::json>
parseJson(llvm::StringRef text, llvm::StringRef file, unsigned maxDepth = 64);

/// Reads and parses the file at `path`; fails too if it has more than
/// `maxBytes` bytes.
llvm::Expected<nlohmann::json> readJson(llvm::StringRef path,
                                        uint64_t maxBytes = 64 << 20);

/// What nlohmann::json's parser says about a syntax error, without its tag and
/// made printable: "parse error at line 1, column 2: ...".
std::string jsonErrorText(const nlohmann::json::exception &error);

} // namespace moec

#endif // MOEC_SUPPORT_JSON_H

//===- Error.h - errors a user can act on -----------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the project makes an llvm::Error. A message is a lower-case sentence that
// names the file and the tensor or key, the rule, both numbers and what to do.
// Text that came from a file goes through quote() or printable() of Text.h.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_SUPPORT_ERROR_H
#define MOEC_SUPPORT_ERROR_H

#include "moec/Support/Text.h"
#include "llvm/Support/Error.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace moec {

/// An error about what the user gave: `message` is shown as it is.
llvm::Error inputError(const std::string &message);

/// The same with a format checked at compile time.
template <typename... Args>
llvm::Error inputError(fmt::format_string<Args...> format, Args &&...args) {
  return inputError(fmt::format(format, std::forward<Args>(args)...));
}

/// An error of the operating system about a path: "cannot write FILE: No space
/// left on device; free some space or choose another place". `verb` is what was
/// tried ("write", "open"), `errorNumber` an errno value.
llvm::Error fileError(llvm::StringRef verb, llvm::StringRef path,
                      int errorNumber);

} // namespace moec

#endif // MOEC_SUPPORT_ERROR_H

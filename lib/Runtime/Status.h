//===- Status.h - how the run time reports failure --------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A status code with its message. The run time has no LLVM to take an
// llvm::Error from, and its interface is C, so this is all it needs.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_STATUS_H
#define MOEC_LIB_RUNTIME_STATUS_H

#include "moec-c/Runtime.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace moec {

/// Success, or a code and a lower-case sentence that says what is wrong, with
/// the values, and what to do.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(moec_status code, std::string message)
      : failureCode(code), failureMessage(std::move(message)) {}

  static Status ok() { return Status(); }

  bool failed() const { return failureCode != MOEC_OK; }
  moec_status code() const { return failureCode; }
  const std::string &message() const { return failureMessage; }

private:
  moec_status failureCode = MOEC_OK;
  std::string failureMessage;
};

/// A failure with a formatted message.
template <typename... Args>
Status makeError(moec_status code, fmt::format_string<Args...> format,
                 Args &&...args) {
  return Status(code, fmt::format(format, std::forward<Args>(args)...));
}

} // namespace moec

#endif // MOEC_LIB_RUNTIME_STATUS_H

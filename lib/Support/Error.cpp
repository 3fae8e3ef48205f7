//===- Error.cpp - errors a user can act on ---------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The two kinds of errors: about the input, and from the operating system, with
// what can be done about the common ones.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Error.h"

#include <cerrno>
#include <system_error>

using namespace llvm;

namespace moec {

Error inputError(const std::string &message) {
  return make_error<StringError>(message, inconvertibleErrorCode());
}

/// What to do about an errno value; empty if there is nothing general to say.
static StringRef adviceFor(int errorNumber) {
  switch (errorNumber) {
  case ENOSPC:
  case EDQUOT:
    return "; free some space or choose another place";
  case EFBIG:
    return "; raise the limit on file sizes (ulimit -f) or choose another "
           "place";
  case EROFS:
    return "; choose a place that can be written to";
  case EACCES:
  case EPERM:
    return "; check its permissions or choose another place";
  case ENOENT:
  case ELOOP:
    return "; check the path";
  case EMFILE:
  case ENFILE:
    return "; raise the limit on open files (ulimit -n)";
  case EIO:
    return "; check the disk";
  default:
    return "";
  }
}

Error fileError(StringRef verb, StringRef path, int errorNumber) {
  return inputError("cannot {} {}: {}{}", verb, printable(path),
                    std::generic_category().message(errorNumber),
                    adviceFor(errorNumber));
}

} // namespace moec

//===- StackedName.h - Names of tensors of which experts have one each ----===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A name with the mark `{e}` stands for one file tensor per index of a weight's
// first dimension; with `{e+N}` they are counted from N on.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_SUPPORT_STACKEDNAME_H
#define MOEC_SUPPORT_STACKEDNAME_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"

#include <cstdint>
#include <optional>
#include <string>

namespace moec {

/// The mark in a name: where it is, and what index 0 is called.
struct StackedMark {
  size_t begin = 0, end = 0;
  uint32_t first = 0;
};

/// The first mark of a name; none if the name is that of a single tensor.
inline std::optional<StackedMark> findStackedMark(llvm::StringRef name) {
  for (size_t at = name.find("{e"); at != llvm::StringRef::npos;
       at = name.find("{e", at + 1)) {
    llvm::StringRef rest = name.drop_front(at + 2);
    uint32_t first = 0;
    if (rest.consume_front("+") && rest.consumeInteger(10, first))
      continue;
    if (rest.starts_with("}"))
      return StackedMark{at, name.size() - rest.size() + 1, first};
  }
  return std::nullopt;
}

/// The name of the file tensor for an index of the first dimension.
inline std::string stackedName(llvm::StringRef name, int64_t index) {
  std::optional<StackedMark> mark = findStackedMark(name);
  if (!mark)
    return name.str();
  return (name.take_front(mark->begin) + llvm::Twine(mark->first + index) +
          name.drop_front(mark->end))
      .str();
}

} // namespace moec

#endif // MOEC_SUPPORT_STACKEDNAME_H

//===- Text.cpp - text for people -------------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Formatting of sizes, counts and shapes, and the escaping of foreign text.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Text.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ConvertUTF.h"

#include <fmt/ranges.h>

using namespace llvm;

namespace moec {

/// Length of the UTF-8 sequence at the front of `text`; 0 if it is not one, or
/// is a control character.
static size_t printableLength(StringRef text) {
  unsigned char lead = text.front();
  if (lead < 0x80)
    return lead >= 0x20 && lead != 0x7f;
  const auto *begin = reinterpret_cast<const UTF8 *>(text.data());
  size_t length = getNumBytesForUTF8(lead);
  if (length > text.size() || !isLegalUTF8Sequence(begin, begin + length))
    return 0;
  bool isC1Control = lead == 0xc2 && begin[1] < 0xa0;
  // U+202A-202E and U+2066-2069 reorder what surrounds them on a terminal.
  bool isBidi = lead == 0xe2 &&
                ((begin[1] == 0x80 && begin[2] >= 0xaa && begin[2] <= 0xae) ||
                 (begin[1] == 0x81 && begin[2] >= 0xa6 && begin[2] <= 0xa9));
  return isC1Control || isBidi ? 0 : length;
}

/// Escapes until `limit` bytes are out; `cut` says whether some were left.
static std::string escape(StringRef text, size_t limit, bool &cut) {
  std::string out;
  while (!text.empty() && out.size() < limit) {
    size_t length = printableLength(text);
    if (length)
      out += text.take_front(length);
    else
      fmt::format_to(std::back_inserter(out), "\\x{:02x}",
                     static_cast<unsigned char>(text.front()));
    text = text.drop_front(std::max<size_t>(length, 1));
  }
  cut = !text.empty();
  return out;
}

std::string printable(StringRef text) {
  bool cut;
  return escape(text, SIZE_MAX, cut);
}

std::string quote(StringRef text, size_t limit) {
  bool cut;
  std::string escaped = escape(text, limit, cut);
  return fmt::format("'{}{}'", escaped, cut ? "..." : "");
}

std::string formatShape(ArrayRef<int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ", "));
}

/// `value` divided by `step` as often as it takes, with the unit reached.
static std::string formatScaled(uint64_t value, double step,
                                ArrayRef<StringRef> units) {
  double scaled = double(value);
  size_t unit = 0;
  // 999.5 rounds to a fourth digit: go on to the next unit before that.
  while (scaled >= (step == 1000 ? 999.5 : 1023.5) && unit + 1 < units.size()) {
    scaled /= step;
    ++unit;
  }
  if (unit == 0)
    return fmt::format("{}{}", value, units[0]);
  return fmt::format("{:.{}f}{}", scaled, scaled < 9.95 ? 1 : 0, units[unit]);
}

std::string formatBytes(uint64_t bytes) {
  return formatScaled(bytes, 1024,
                      {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"});
}

std::string formatCount(uint64_t count) {
  return formatScaled(count, 1000, {"", " k", " M", " G", " T", " P", " E"});
}

std::string plural(uint64_t count, StringRef noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

} // namespace moec

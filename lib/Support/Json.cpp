//===- Json.cpp - JSON from files that nobody vouches for -------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A SAX handler that builds the document and checks keys and depth on the way.
//
//===----------------------------------------------------------------------===//

#include "moec/Support/Json.h"
#include "moec/Support/Error.h"
#include "moec/Support/InputFile.h"

#include <limits>
#include <vector>

using namespace llvm;
using nlohmann::json;

namespace moec {

// How Python's three non-finite numbers are spelled for the parser, which has
// no token for them. A file that holds such a spelling, which no writer of
// numbers produces, gets the same value as one that holds the word.
static constexpr StringRef infinitySpelling = "1.00000000e308";
static constexpr StringRef nanSpelling = "1.00000001e308";

/// Replaces Infinity and NaN outside of strings.
static std::string spellNonFinite(StringRef text) {
  if (!text.contains("Infinity") && !text.contains("NaN"))
    return text.str();
  std::string out;
  out.reserve(text.size());
  bool inString = false;
  for (size_t i = 0; i < text.size();) {
    StringRef rest = text.drop_front(i);
    size_t taken = 1;
    if (inString && rest.front() == '\\' && rest.size() > 1) {
      out += rest.take_front(2);
      taken = 2;
    } else if (!inString && rest.starts_with("Infinity")) {
      out += infinitySpelling;
      taken = 8;
    } else if (!inString && rest.starts_with("NaN")) {
      out += nanSpelling;
      taken = 3;
    } else {
      inString ^= rest.front() == '"';
      out += rest.front();
    }
    i += taken;
  }
  return out;
}

namespace {

class Builder {
public:
  Builder(StringRef file, unsigned maxDepth) : file(file), maxDepth(maxDepth) {}

  json document;
  std::string problem;

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(int64_t value) { return add(value); }
  bool number_unsigned(uint64_t value) { return add(value); }
  bool number_float(double value, const std::string &text) {
    StringRef digits = StringRef(text);
    bool negative = digits.consume_front("-");
    if (digits == infinitySpelling)
      value = std::numeric_limits<double>::infinity();
    else if (digits == nanSpelling)
      value = std::numeric_limits<double>::quiet_NaN();
    else
      return add(value);
    return add(negative ? -value : value);
  }
  bool string(std::string &value) { return add(std::move(value)); }
  bool binary(json::binary_t &) { return false; }

  bool start_object(size_t) { return open(json::object()); }
  bool end_object() { return close(); }
  bool start_array(size_t) { return open(json::array()); }
  bool end_array() { return close(); }

  bool key(std::string &name) {
    auto [slot, isNew] =
        stack.back()->get_ref<json::object_t &>().try_emplace(name, nullptr);
    if (!isNew)
      return fail("the key {} appears twice in one object; keep one of them",
                  quote(name));
    member = &slot->second;
    return true;
  }

  bool parse_error(size_t, const std::string &, const json::exception &error) {
    return fail("not valid JSON: {}", jsonErrorText(error));
  }

private:
  template <typename... Args>
  bool fail(fmt::format_string<Args...> format, Args &&...args) {
    problem = fmt::format("{}: {}", printable(file),
                          fmt::format(format, std::forward<Args>(args)...));
    return false;
  }

  /// Puts a value where the parser is and returns its place.
  json *place(json value) {
    if (stack.empty()) {
      document = std::move(value);
      return &document;
    }
    if (stack.back()->is_array()) {
      auto &array = stack.back()->get_ref<json::array_t &>();
      array.push_back(std::move(value));
      return &array.back();
    }
    *member = std::move(value);
    return member;
  }

  bool add(json value) {
    place(std::move(value));
    return true;
  }

  bool open(json empty) {
    if (stack.size() >= maxDepth)
      return fail("nested deeper than {} levels; flatten it", maxDepth);
    // Only the innermost open container grows, so the others stay in place.
    stack.push_back(place(std::move(empty)));
    return true;
  }

  bool close() {
    stack.pop_back();
    return true;
  }

  StringRef file;
  unsigned maxDepth;
  std::vector<json *> stack;
  json *member = nullptr;
};

} // namespace

Expected<json> parseJson(StringRef text, StringRef file, unsigned maxDepth) {
  Builder builder(file, maxDepth);
  if (!json::sax_parse(spellNonFinite(text), &builder))
    return inputError(builder.problem);
  return std::move(builder.document);
}

Expected<json> readJson(StringRef path, uint64_t maxBytes) {
  Expected<std::string> text = readTextFile(path, maxBytes);
  if (!text)
    return text.takeError();
  return parseJson(*text, path);
}

std::string jsonErrorText(const json::exception &error) {
  // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
  StringRef text = error.what();
  if (text.starts_with("["))
    text = text.split("] ").second;
  constexpr size_t limit = 300;
  return text.size() > limit ? printable(text.take_front(limit)) + "..."
                             : printable(text);
}

} // namespace moec

//===- JsonReader.h - read typed fields of a JSON object --------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the manifest reader is written with: every access says which type and
// range it expects, and the first thing that is not so becomes the message,
// with the path of the value in the file.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_JSONREADER_H
#define MOEC_LIB_RUNTIME_JSONREADER_H

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moec {

/// Parses JSON text into `value`; repeated keys in one object and nesting
/// deeper than 32 are errors. On failure returns false and sets `error`, which
/// begins with `file`.
bool parseJson(std::string_view text, const std::string &file,
               nlohmann::json &value, std::string &error);

/// The file being read and its first error.
class JsonErrors {
public:
  explicit JsonErrors(std::string file) : file(std::move(file)) {}

  bool any() const { return !message.empty(); }
  const std::string &first() const { return message; }

  /// Records "FILE: PATH REST" unless something is recorded already. Returns
  /// false, so that a check can end with it.
  template <typename... Args>
  bool report(const std::string &path, fmt::format_string<Args...> rest,
              Args &&...args) {
    if (message.empty())
      message = fmt::format("{}: {} {}", file, path,
                            fmt::format(rest, std::forward<Args>(args)...));
    return false;
  }

private:
  std::string file;
  std::string message;
};

/// One JSON object and its path. Each getter sets its last argument and returns
/// true, or reports what is wrong and returns false.
class JsonObject {
public:
  /// `value` must outlive this object; it is reported unless it is an object.
  JsonObject(JsonErrors &errors, const nlohmann::json &value, std::string path);

  JsonErrors &errors() const { return *sink; }
  std::string pathOf(std::string_view key) const;

  bool has(const char *key) const { return object->contains(key); }
  bool getInteger(const char *key, int64_t min, int64_t max, int64_t &result);
  bool getBool(const char *key, bool &result);
  bool getString(const char *key, std::string &result);
  /// An array of at most `maxSize` strings.
  bool getStrings(const char *key, size_t maxSize,
                  std::vector<std::string> &result);
  /// An array of at most `maxSize` integers in [min, max].
  bool getIntegers(const char *key, size_t maxSize, int64_t min, int64_t max,
                   std::vector<int64_t> &result);
  /// An array of at most `maxSize` numbers that are not negative.
  bool getNumbers(const char *key, size_t maxSize, std::vector<double> &result);
  /// The objects in an array of at most `maxSize` of them.
  bool getObjects(const char *key, size_t maxSize,
                  std::vector<JsonObject> &result);
  bool getObject(const char *key, std::optional<JsonObject> &result);
  /// The value of `key`, or null (reported) where the object has none.
  const nlohmann::json *get(const char *key);

private:
  const nlohmann::json *getArray(const char *key, size_t maxSize);
  bool checkInteger(const nlohmann::json &value, const std::string &path,
                    int64_t min, int64_t max, int64_t &result);

  JsonErrors *sink;
  const nlohmann::json *object;
  std::string path;
};

} // namespace moec

#endif // MOEC_LIB_RUNTIME_JSONREADER_H

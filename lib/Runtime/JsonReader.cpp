//===- JsonReader.cpp - read typed fields of a JSON object ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checked access to the values of a file that may hold anything.
//
//===----------------------------------------------------------------------===//

#include "JsonReader.h"
#include "InQuotes.h"

#include <set>

using nlohmann::json;

namespace moec {

/// The deepest nesting a file may have.
static constexpr int kMaxDepth = 32;

bool parseJson(std::string_view text, const std::string &file, json &value,
               std::string &error) {
  std::vector<std::set<std::string>> keys;
  std::string problem;
  auto watch = [&](int depth, json::parse_event_t event, json &parsed) {
    if (depth >= kMaxDepth && problem.empty())
      problem = fmt::format("is nested deeper than {} levels", kMaxDepth);
    if (event == json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == json::parse_event_t::key && problem.empty()) {
      const auto &key = parsed.get_ref<const std::string &>();
      if (!keys.back().insert(key).second)
        problem =
            fmt::format("has the key {} twice in one object", inQuotes(key));
    }
    // Nothing is kept once the text is known to be bad.
    return problem.empty();
  };
  value = json::parse(text.begin(), text.end(), watch,
                      /*allow_exceptions=*/false);
  if (problem.empty() && value.is_discarded())
    problem =
        fmt::format("is not JSON ({} bytes that do not parse)", text.size());
  if (problem.empty())
    return true;
  error = fmt::format("{}: the file {}", file, problem);
  return false;
}

JsonObject::JsonObject(JsonErrors &errors, const json &value, std::string path)
    : sink(&errors), object(&value), path(std::move(path)) {
  if (!value.is_object())
    sink->report(this->path.empty() ? "the file" : this->path,
                 "is of type {}; expected an object", value.type_name());
}

std::string JsonObject::pathOf(std::string_view key) const {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

const json *JsonObject::get(const char *key) {
  auto found = object->find(key);
  if (found != object->end())
    return &*found;
  sink->report(path.empty() ? "the file" : path, "has no \"{}\"", key);
  return nullptr;
}

bool JsonObject::checkInteger(const json &value, const std::string &where,
                              int64_t min, int64_t max, int64_t &result) {
  if (!value.is_number_integer())
    return sink->report(where, "is of type {}; expected an integer",
                        value.type_name());
  if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t(INT64_MAX))
    return sink->report(where, "is {}; expected a value in [{}, {}]",
                        value.get<uint64_t>(), min, max);
  int64_t number = value.get<int64_t>();
  if (number < min || number > max)
    return sink->report(where, "is {}; expected a value in [{}, {}]", number,
                        min, max);
  result = number;
  return true;
}

bool JsonObject::getInteger(const char *key, int64_t min, int64_t max,
                            int64_t &result) {
  const json *value = get(key);
  return value && checkInteger(*value, pathOf(key), min, max, result);
}

bool JsonObject::getBool(const char *key, bool &result) {
  const json *value = get(key);
  if (!value)
    return false;
  if (!value->is_boolean())
    return sink->report(pathOf(key), "is of type {}; expected true or false",
                        value->type_name());
  result = value->get<bool>();
  return true;
}

bool JsonObject::getString(const char *key, std::string &result) {
  const json *value = get(key);
  if (!value)
    return false;
  if (!value->is_string())
    return sink->report(pathOf(key), "is of type {}; expected a string",
                        value->type_name());
  result = value->get_ref<const std::string &>();
  return true;
}

const json *JsonObject::getArray(const char *key, size_t maxSize) {
  const json *value = get(key);
  if (!value)
    return nullptr;
  if (value->is_array() && value->size() <= maxSize)
    return value;
  if (value->is_array())
    sink->report(pathOf(key), "has {} elements; expected at most {}",
                 value->size(), maxSize);
  else
    sink->report(pathOf(key), "is of type {}; expected an array",
                 value->type_name());
  return nullptr;
}

bool JsonObject::getStrings(const char *key, size_t maxSize,
                            std::vector<std::string> &result) {
  const json *array = getArray(key, maxSize);
  if (!array)
    return false;
  result.clear();
  for (const json &element : *array) {
    if (!element.is_string())
      return sink->report(fmt::format("{}[{}]", pathOf(key), result.size()),
                          "is of type {}; expected a string",
                          element.type_name());
    result.push_back(element.get_ref<const std::string &>());
  }
  return true;
}

bool JsonObject::getIntegers(const char *key, size_t maxSize, int64_t min,
                             int64_t max, std::vector<int64_t> &result) {
  const json *array = getArray(key, maxSize);
  if (!array)
    return false;
  result.clear();
  for (const json &element : *array) {
    int64_t number = 0;
    if (!checkInteger(element,
                      fmt::format("{}[{}]", pathOf(key), result.size()), min,
                      max, number))
      return false;
    result.push_back(number);
  }
  return true;
}

bool JsonObject::getNumbers(const char *key, size_t maxSize,
                            std::vector<double> &result) {
  const json *array = getArray(key, maxSize);
  if (!array)
    return false;
  result.clear();
  for (const json &element : *array) {
    if (!element.is_number() || element.get<double>() < 0)
      return sink->report(fmt::format("{}[{}]", pathOf(key), result.size()),
                          "is not a number of 0 or more");
    result.push_back(element.get<double>());
  }
  return true;
}

bool JsonObject::getObjects(const char *key, size_t maxSize,
                            std::vector<JsonObject> &result) {
  const json *array = getArray(key, maxSize);
  if (!array)
    return false;
  result.clear();
  for (const json &element : *array)
    result.emplace_back(*sink, element,
                        fmt::format("{}[{}]", pathOf(key), result.size()));
  return !sink->any();
}

bool JsonObject::getObject(const char *key, std::optional<JsonObject> &result) {
  const json *value = get(key);
  if (!value)
    return false;
  result.emplace(*sink, *value, pathOf(key));
  return !sink->any();
}

} // namespace moec

//===- Config.cpp - A model's configuration -------------------------------===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//

#include "moec/Import/HuggingFace/Config.h"
#include "UnknownKeys.h"
#include "moec/Support/Error.h"
#include "moec/Support/Json.h"
#include "llvm/ADT/StringExtras.h"

namespace moec::hf {
namespace {

using nlohmann::json;

/// The object that the family's keys live in.
const json &findSection(const Family &family, const json &root) {
  const json *section = &root;
  for (const std::string &name : family.sections) {
    auto it = section->find(name);
    if (it != section->end() && it->is_object())
      section = &*it;
  }
  return *section;
}

/// The value at a path with dots; null if there is none.
const json *findPath(const json &object, llvm::StringRef path) {
  auto [head, rest] = path.split('.');
  auto it = object.find(head.str());
  if (it == object.end())
    return nullptr;
  if (rest.empty())
    return &*it;
  return it->is_object() ? findPath(*it, rest) : nullptr;
}

/// Numbers beyond 64 bits, objects and deeper lists have no Value.
std::optional<Value> toValue(const json &value, int depth = 0) {
  if (value.is_null())
    return Value();
  if (value.is_boolean())
    return Value(value.get<bool>());
  if (value.is_number_unsigned()) {
    uint64_t number = value.get<uint64_t>();
    if (number > static_cast<uint64_t>(INT64_MAX))
      return std::nullopt;
    return Value(static_cast<int64_t>(number));
  }
  if (value.is_number_integer())
    return Value(value.get<int64_t>());
  if (value.is_number_float())
    return Value(value.get<double>());
  if (value.is_string())
    return Value(value.get<std::string>());
  if (!value.is_array() || depth > 2)
    return std::nullopt;
  Value::List list;
  for (const json &item : value) {
    std::optional<Value> element = toValue(item, depth + 1);
    if (!element)
      return std::nullopt;
    list.push_back(std::move(*element));
  }
  return Value(std::move(list));
}

llvm::StringRef describe(KeyType type) {
  switch (type) {
  case KeyType::Int:
    return "an integer";
  case KeyType::Number:
    return "a number";
  case KeyType::Bool:
    return "true or false";
  case KeyType::String:
    return "a string";
  case KeyType::List:
    return "a list";
  case KeyType::Any:
    return "a number, a string, a boolean or a list";
  }
  return {};
}

bool fits(const Value &value, const KeyDescription &key) {
  if (value.isNull())
    return key.nullable;
  switch (key.type) {
  case KeyType::Int:
    return value.isInt();
  case KeyType::Number:
    return value.isNumber();
  case KeyType::Bool:
    return value.isBool();
  case KeyType::String:
    return value.isString();
  case KeyType::List:
    return value.isList();
  case KeyType::Any:
    return true;
  }
  return false;
}

llvm::Error checkRange(const KeyDescription &key, const Value &value,
                       llvm::StringRef path) {
  if (!key.values.empty() && !value.isNull() &&
      !llvm::is_contained(key.values, value)) {
    std::string legal = llvm::join(
        llvm::map_range(key.values, [](const Value &v) { return v.str(); }),
        ", ");
    return inputError("{}: key '{}' is {}; this family's modelling code "
                      "defines {} only",
                      path, key.name, printable(value.str()), legal);
  }
  if (key.minimum && value.isNumber() && !(value.number() >= *key.minimum))
    return inputError("{}: key '{}' is {}; it must be at least {}", path,
                      key.name, value.str(), *key.minimum);
  return llvm::Error::success();
}

llvm::Expected<Value> bindKey(const KeyDescription &key, const json &section,
                              llvm::StringRef path) {
  const json *found = findPath(section, key.name);
  std::string spelled = key.name;
  for (const std::string &alias : key.aliases) {
    const json *other = findPath(section, alias);
    if (!other)
      continue;
    if (found && *found != *other)
      return inputError("{}: keys '{}' and '{}' mean the same and contradict "
                        "each other: {} and {}; remove one",
                        path, spelled, alias, showJson(*found),
                        showJson(*other));
    found = other;
    spelled = alias;
  }
  bool missing = !found || (found->is_null() && !key.nullable && key.required);
  if (missing && key.required)
    return inputError("{}: key '{}' is missing; this family has no default "
                      "for it",
                      path, key.name);
  if (missing)
    return key.defaultValue;
  std::optional<Value> value = toValue(*found);
  if (!value || !fits(*value, key))
    return inputError("{}: key '{}' is {}, expected {}{}", path, spelled,
                      showJson(*found), describe(key.type),
                      key.nullable ? " or null" : "");
  if (llvm::Error error = checkRange(key, *value, path))
    return std::move(error);
  return *value;
}

} // namespace

static llvm::Expected<ConfigFile> configFile(llvm::StringRef path,
                                             llvm::Expected<json> root) {
  if (!root)
    return root.takeError();
  if (!root->is_object())
    return inputError("{}: this is no JSON object; a model's config.json is",
                      path);
  return ConfigFile{path.str(), std::move(*root)};
}

llvm::Expected<ConfigFile> ConfigFile::read(llvm::StringRef path) {
  return configFile(path, readJson(path));
}

llvm::Expected<ConfigFile> ConfigFile::parse(llvm::StringRef path,
                                             llvm::StringRef text) {
  return configFile(path, parseJson(text, path));
}

std::vector<std::string> ConfigFile::modelTypes() const {
  std::vector<std::string> types;
  auto look = [&](const json &object) {
    auto it = object.find("model_type");
    if (it != object.end() && it->is_string())
      types.push_back(it->get<std::string>());
  };
  look(root);
  for (llvm::StringRef nested :
       {"text_config", "llm_config", "language_config"})
    if (auto it = root.find(nested.str()); it != root.end() && it->is_object())
      look(*it);
  return types;
}

llvm::Expected<const Family *> detectFamily(const FamilyRegistry &registry,
                                            const ConfigFile &config) {
  std::vector<std::string> types = config.modelTypes();
  for (const std::string &type : types)
    if (const Family *family = registry.findByModelType(type))
      return family;
  std::string known = llvm::join(registry.names(), ", ");
  if (auto it = config.root.find("model_type");
      types.empty() && it != config.root.end())
    return inputError("{}: key 'model_type' is {}, expected a string; the "
                      "families known are {}",
                      config.path, showJson(*it), known);
  if (types.empty())
    return inputError("{}: key 'model_type' is missing, so the family of this "
                      "model is not known; the families known are {}",
                      config.path, known);
  return inputError("{}: model_type {} is of no family known; the families "
                    "known are {}; describe another with --family-file",
                    config.path, quote(types.front()), known);
}

llvm::Expected<BoundConfig> bindConfig(const Family &family,
                                       const ConfigFile &config) {
  BoundConfig bound;
  bound.path = config.path;
  bound.section = findSection(family, config.root);
  for (const KeyDescription &key : family.keys) {
    llvm::Expected<Value> value = bindKey(key, bound.section, config.path);
    if (!value)
      return value.takeError();
    bound.values.emplace(key.name, std::move(*value));
  }
  llvm::Expected<std::vector<std::string>> strange =
      findUnknownKeys(family, bound.section, config.path);
  if (!strange)
    return strange.takeError();
  if (!strange->empty())
    bound.warnings.push_back(
        fmt::format("{}: keys that family {} does not read are passed over: {}",
                    config.path, family.name, llvm::join(*strange, ", ")));
  return bound;
}

} // namespace moec::hf

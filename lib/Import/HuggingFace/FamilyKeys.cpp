//===- FamilyKeys.cpp - The keys of a family description --------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types, defaults and legal values of configuration keys.
//
//===----------------------------------------------------------------------===//

#include "FamilyKeys.h"
#include "llvm/ADT/StringSwitch.h"

namespace moec::hf {

/// The type called `word`; a '?' behind it allows null.
static bool parseKeyType(llvm::StringRef word, KeyDescription &key) {
  bool nullable = word.consume_back("?");
  auto type = llvm::StringSwitch<std::optional<KeyType>>(word)
                  .Case("int", KeyType::Int)
                  .Case("number", KeyType::Number)
                  .Case("bool", KeyType::Bool)
                  .Case("string", KeyType::String)
                  .Case("list", KeyType::List)
                  .Case("any", KeyType::Any)
                  .Default(std::nullopt);
  if (!type)
    return false;
  key.type = *type;
  key.nullable |= nullable;
  return true;
}

static KeyType typeOf(const Value &value) {
  if (value.isBool())
    return KeyType::Bool;
  if (value.isInt())
    return KeyType::Int;
  if (value.isFloat())
    return KeyType::Number;
  if (value.isString())
    return KeyType::String;
  return value.isList() ? KeyType::List : KeyType::Any;
}

static llvm::Error readProperty(const Sources &sources,
                                const YamlNode::Entry &entry,
                                KeyDescription &key) {
  const YamlNode &node = *entry.value;
  if (entry.key == "type") {
    if (!parseKeyType(node.text.text, key))
      return sources.error(node.loc,
                           "expected int, number, bool, string, list or any");
    return llvm::Error::success();
  }
  llvm::Expected<Value> value = node.toValue(sources);
  if (!value)
    return value.takeError();
  if (entry.key == "aliases" && value->isList()) {
    for (const Value &alias : value->list())
      key.aliases.push_back(alias.isString() ? alias.string() : alias.str());
    return llvm::Error::success();
  }
  if (entry.key == "default") {
    key.required = false;
    key.defaultValue = *value;
    return llvm::Error::success();
  }
  if (entry.key == "min" && value->isNumber()) {
    key.minimum = value->number();
    return llvm::Error::success();
  }
  if (entry.key == "values" && value->isList()) {
    key.values = value->list();
    return llvm::Error::success();
  }
  return sources.error(entry.loc,
                       "a key has 'type', 'default', 'aliases' (a list), "
                       "'values' (a list) and 'min' (a number)");
}

llvm::Expected<KeyDescription> readKey(const Sources &sources,
                                       const YamlNode::Entry &entry) {
  KeyDescription key;
  key.loc = entry.loc;
  key.name = entry.key;
  key.required = true;
  const YamlNode &node = *entry.value;
  bool typed = false;
  if (node.kind == YamlNode::Kind::Mapping) {
    for (const YamlNode::Entry &property : node.entries)
      if (llvm::Error error = readProperty(sources, property, key))
        return std::move(error);
    typed = node.find("type") != nullptr;
  } else if (!node.quoted && node.kind == YamlNode::Kind::Scalar &&
             parseKeyType(node.text.text, key)) {
    typed = true;
  } else {
    llvm::Expected<Value> value = node.toValue(sources);
    if (!value)
      return value.takeError();
    key.required = false;
    key.defaultValue = *value;
  }
  if (key.nullable)
    key.required = false; // missing is null
  if (!key.required) {
    key.nullable |= key.defaultValue.isNull();
    if (!typed)
      key.type = typeOf(key.defaultValue);
  }
  return key;
}

} // namespace moec::hf

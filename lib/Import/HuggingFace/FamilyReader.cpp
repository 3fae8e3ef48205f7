//===- FamilyReader.cpp - Reads a family description ----------------------===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//

#include "FamilyKeys.h"
#include "moec/Import/HuggingFace/Family.h"
#include "moec/Import/HuggingFace/Parser.h"
#include "moec/Import/HuggingFace/Yaml.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/Twine.h"

namespace moec::hf {
namespace {

using Entry = YamlNode::Entry;

class FamilyReader {
public:
  FamilyReader(const Sources &sources, Family &family)
      : sources(sources), family(family) {}

  llvm::Error section(const Entry &entry);
  llvm::Error finish();
  llvm::Expected<std::string> string(const YamlNode &node);
  llvm::Expected<std::vector<std::string>> strings(const YamlNode &node);

private:
  llvm::Error wrongKind(const YamlNode &node, const llvm::Twine &wanted) {
    return sources.error(node.loc, "expected " + wanted);
  }
  llvm::Expected<ExprPtr> expression(const YamlNode &node);
  llvm::Error readString(const YamlNode &node, std::string &to);
  llvm::Error readStrings(const YamlNode &node, std::vector<std::string> &to);
  llvm::Error readExpression(const YamlNode &node, ExprPtr &to);
  llvm::Error readProgram(const Entry &entry, Program &to);
  llvm::Error match(const YamlNode &node);
  llvm::Error keys(const YamlNode &node);
  llvm::Error definitions(const YamlNode &node, std::vector<NamedExpr> &to);
  llvm::Error checks(const YamlNode &node);
  llvm::Error stacks(const YamlNode &node);
  llvm::Error tensors(const YamlNode &node);
  llvm::Error small(const YamlNode &node);
  llvm::Error remove(const YamlNode &node);

  const Sources &sources;
  Family &family;
};

llvm::Expected<std::string> FamilyReader::string(const YamlNode &node) {
  if (node.kind != YamlNode::Kind::Scalar || node.text.text.empty())
    return wrongKind(node, "a word or a text");
  return node.text.text;
}

llvm::Expected<std::vector<std::string>>
FamilyReader::strings(const YamlNode &node) {
  std::vector<std::string> result;
  if (node.kind == YamlNode::Kind::Mapping)
    return wrongKind(node, "a list of words");
  if (node.kind == YamlNode::Kind::Scalar) {
    llvm::Expected<std::string> one = string(node);
    if (!one)
      return one.takeError();
    return std::vector<std::string>{*one};
  }
  for (const std::unique_ptr<YamlNode> &item : node.items) {
    llvm::Expected<std::string> one = string(*item);
    if (!one)
      return one.takeError();
    result.push_back(*one);
  }
  return result;
}

llvm::Error FamilyReader::readString(const YamlNode &node, std::string &to) {
  llvm::Expected<std::string> text = string(node);
  if (!text)
    return text.takeError();
  to = llvm::StringRef(*text).rtrim().str();
  return llvm::Error::success();
}

llvm::Error FamilyReader::readStrings(const YamlNode &node,
                                      std::vector<std::string> &to) {
  llvm::Expected<std::vector<std::string>> texts = strings(node);
  if (!texts)
    return texts.takeError();
  to = std::move(*texts);
  return llvm::Error::success();
}

llvm::Expected<ExprPtr> FamilyReader::expression(const YamlNode &node) {
  if (node.kind != YamlNode::Kind::Scalar || node.text.text.empty())
    return wrongKind(node, "an expression");
  return parseExpression(sources, node.text);
}

llvm::Error FamilyReader::readExpression(const YamlNode &node, ExprPtr &to) {
  llvm::Expected<ExprPtr> expr = expression(node);
  if (!expr)
    return expr.takeError();
  to = std::move(*expr);
  return llvm::Error::success();
}

llvm::Error FamilyReader::readProgram(const Entry &entry, Program &to) {
  const YamlNode &node = *entry.value;
  if (node.kind != YamlNode::Kind::Scalar || node.text.text.empty())
    return wrongKind(node, "a program: '" + entry.key +
                               ": |' and a statement "
                               "a line");
  llvm::Expected<StatementList> statements = parseProgram(sources, node.text);
  if (!statements)
    return statements.takeError();
  to = {entry.loc, entry.key, std::move(*statements)};
  return llvm::Error::success();
}

llvm::Error FamilyReader::match(const YamlNode &node) {
  const YamlNode *types =
      node.kind == YamlNode::Kind::Mapping ? node.find("model_type") : nullptr;
  if (!types || node.entries.size() != 1)
    return wrongKind(node, "'match: {model_type: [...]}'");
  return readStrings(*types, family.modelTypes);
}

llvm::Error FamilyReader::keys(const YamlNode &node) {
  if (node.kind != YamlNode::Kind::Mapping)
    return wrongKind(node, "a mapping from keys to their types or defaults");
  for (const Entry &entry : node.entries) {
    llvm::Expected<KeyDescription> key = readKey(sources, entry);
    if (!key)
      return key.takeError();
    llvm::erase_if(family.keys, [&](const KeyDescription &other) {
      return other.name == key->name;
    });
    family.keys.push_back(std::move(*key));
  }
  return llvm::Error::success();
}

llvm::Error FamilyReader::definitions(const YamlNode &node,
                                      std::vector<NamedExpr> &to) {
  if (node.kind != YamlNode::Kind::Mapping)
    return wrongKind(node, "a mapping from names to expressions");
  for (const Entry &entry : node.entries) {
    NamedExpr definition{entry.loc, entry.key, nullptr};
    if (llvm::Error error = readExpression(*entry.value, definition.value))
      return error;
    auto known = llvm::find_if(
        to, [&](const NamedExpr &other) { return other.name == entry.key; });
    if (known != to.end())
      *known = std::move(definition);
    else
      to.push_back(std::move(definition));
  }
  return llvm::Error::success();
}

llvm::Error FamilyReader::checks(const YamlNode &node) {
  family.checks.clear();
  for (const std::unique_ptr<YamlNode> &item : node.items) {
    Check check;
    const YamlNode *that = item->find("that"), *say = item->find("say");
    if (!that || !say)
      return wrongKind(*item, "'{that: CONDITION, say: TEXT}'");
    if (llvm::Error error = readExpression(*that, check.condition))
      return error;
    if (llvm::Error error = readString(*say, check.message))
      return error;
    family.checks.push_back(std::move(check));
  }
  return llvm::Error::success();
}

llvm::Error FamilyReader::stacks(const YamlNode &node) {
  family.stacks.clear();
  for (const std::unique_ptr<YamlNode> &item : node.items) {
    LayerStack stack;
    stack.loc = item->loc;
    for (const Entry &entry : item->entries) {
      llvm::Error error =
          entry.key == "name"    ? readString(*entry.value, stack.name)
          : entry.key == "count" ? readExpression(*entry.value, stack.count)
          : entry.key == "moe"   ? readExpression(*entry.value, stack.moe)
          : entry.key == "prefix"
              ? readStrings(*entry.value, stack.prefixes)
              : sources.error(entry.loc, "a stack of layers has 'name', "
                                         "'count', 'moe' and 'prefix'");
      if (error)
        return error;
    }
    if (stack.name.empty() || !stack.count || stack.prefixes.empty())
      return sources.error(stack.loc,
                           "a stack of layers needs 'name', 'count' and "
                           "'prefix'");
    if (!llvm::StringRef(stack.name).contains("{n}"))
      return sources.error(stack.loc, "the name of a stack of layers contains "
                                      "'{n}', the number of the layer");
    family.stacks.push_back(std::move(stack));
  }
  if (family.stacks.empty())
    return wrongKind(node, "a list of '{name: .., count: .., prefix: ..}'");
  return llvm::Error::success();
}

llvm::Error FamilyReader::tensors(const YamlNode &node) {
  llvm::Expected<std::vector<TensorDeclaration>> read =
      parseTensors(sources, node.text);
  if (!read)
    return read.takeError();
  // A declaration replaces those of the same name that were inherited.
  llvm::erase_if(family.tensors, [&](const TensorDeclaration &old) {
    return llvm::any_of(*read, [&](const TensorDeclaration &declaration) {
      return declaration.name == old.name;
    });
  });
  llvm::append_range(family.tensors, *read);
  return llvm::Error::success();
}

llvm::Error FamilyReader::small(const YamlNode &node) {
  for (const Entry &entry : node.entries) {
    if (!family.findKey(entry.key))
      return sources.error(entry.loc,
                           "the family has no key '" + entry.key + "'");
    llvm::Expected<Value> value = entry.value->toValue(sources);
    if (!value)
      return value.takeError();
    family.small[entry.key] = *value;
  }
  return llvm::Error::success();
}

llvm::Error FamilyReader::remove(const YamlNode &node) {
  llvm::Expected<std::vector<std::string>> names = strings(node);
  if (!names)
    return names.takeError();
  for (const std::string &name : *names) {
    size_t before = family.keys.size() + family.tensors.size() +
                    family.dims.size() + family.definitions.size();
    llvm::erase_if(family.keys, [&](auto &key) { return key.name == name; });
    family.small.erase(name);
    llvm::erase_if(family.tensors, [&](auto &t) { return t.name == name; });
    llvm::erase_if(family.dims, [&](auto &dim) { return dim.name == name; });
    llvm::erase_if(family.definitions,
                   [&](auto &let) { return let.name == name; });
    if (family.keys.size() + family.tensors.size() + family.dims.size() +
            family.definitions.size() ==
        before)
      return sources.error(node.loc, "the family extended has no key, tensor "
                                     "or dimension '" +
                                         name + "' to remove");
  }
  return llvm::Error::success();
}

llvm::Error FamilyReader::section(const Entry &entry) {
  const YamlNode &node = *entry.value;
  if (entry.key == "summary")
    return readString(node, family.summary);
  if (entry.key == "match")
    return match(node);
  if (entry.key == "config")
    return readStrings(node, family.sections);
  if (entry.key == "keys")
    return keys(node);
  if (entry.key == "let")
    return definitions(node, family.definitions);
  if (entry.key == "dims")
    return definitions(node, family.dims);
  if (entry.key == "inputs")
    return definitions(node, family.inputs);
  if (entry.key == "outputs")
    return definitions(node, family.outputs);
  if (entry.key == "check")
    return checks(node);
  if (entry.key == "ignored")
    return readStrings(node, family.ignored);
  if (entry.key == "small")
    return small(node);
  if (entry.key == "layers")
    return stacks(node);
  if (entry.key == "tensors")
    return tensors(node);
  if (entry.key == "remove")
    return remove(node);
  if (entry.key == "router")
    return readProgram(entry, family.router);
  if (entry.key == "block")
    return readProgram(entry, family.block);
  if (entry.key == "expert" ||
      llvm::StringRef(entry.key).ends_with("_expert")) {
    llvm::erase_if(family.experts, [&](const Program &program) {
      return program.name == entry.key;
    });
    family.experts.emplace_back();
    return readProgram(entry, family.experts.back());
  }
  return sources.error(
      entry.loc,
      "'" + entry.key +
          "' is no section of a family description; there are family, extends, "
          "summary, match, config, keys, remove, let, dims, inputs, outputs, "
          "check, ignored, small, layers, tensors, router, expert, ..._expert "
          "and block");
}

llvm::Error FamilyReader::finish() {
  auto missing = [&](llvm::StringRef section) {
    return sources.error(family.loc,
                         "the family has no section '" + section + "'");
  };
  if (family.summary.empty())
    return missing("summary");
  if (family.modelTypes.empty())
    return missing("match");
  if (family.stacks.empty())
    return missing("layers");
  if (family.tensors.empty())
    return missing("tensors");
  if (family.router.statements.empty())
    return missing("router");
  if (family.experts.empty())
    return missing("expert");
  return llvm::Error::success();
}

} // namespace

const KeyDescription *Family::findKey(llvm::StringRef wanted) const {
  for (const KeyDescription &key : keys)
    if (key.name == wanted)
      return &key;
  return nullptr;
}

llvm::Expected<Family> readFamily(
    const Sources &sources, llvm::StringRef text,
    llvm::function_ref<llvm::Expected<const Family *>(llvm::StringRef)> base) {
  llvm::Expected<std::unique_ptr<YamlNode>> root = parseYaml(sources, text);
  if (!root)
    return root.takeError();
  Family family;
  FamilyReader reader(sources, family);
  const YamlNode *name = (*root)->find("family");
  if (!name)
    return sources.error((*root)->loc,
                         "a family description begins with 'family: NAME'");
  if (const YamlNode *extends = (*root)->find("extends")) {
    llvm::Expected<std::string> of = reader.string(*extends);
    if (!of)
      return of.takeError();
    llvm::Expected<const Family *> found = base(*of);
    if (!found)
      return found.takeError();
    if (!*found)
      return sources.error(extends->loc,
                           "there is no family '" + *of + "' to extend");
    family = **found;
    family.modelTypes.clear();
  }
  llvm::Expected<std::string> own = reader.string(*name);
  if (!own)
    return own.takeError();
  family.name = *own;
  family.loc = name->loc;
  for (const Entry &entry : (*root)->entries) {
    if (entry.key == "family" || entry.key == "extends")
      continue;
    if (llvm::Error error = reader.section(entry))
      return std::move(error);
  }
  if (llvm::Error error = reader.finish())
    return std::move(error);
  return family;
}

} // namespace moec::hf

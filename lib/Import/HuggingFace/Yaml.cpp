//===- Yaml.cpp - YAML as a plain tree ------------------------------------===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//

#include "moec/Import/HuggingFace/Yaml.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/YAMLParser.h"

namespace moec::hf {
namespace {

using NodeResult = llvm::Expected<std::unique_ptr<YamlNode>>;

constexpr size_t maxBytes = 1 << 20;
constexpr int maxDepth = 16;

/// LLVM's parser recurses on nested collections before anyone can count them,
/// so text that could nest deeply is refused before it is parsed.
llvm::Error checkNesting(const Sources &sources, llvm::StringRef text) {
  int open = 0;
  size_t start = 0;
  while (start < text.size()) {
    size_t end = std::min(text.find('\n', start), text.size());
    llvm::StringRef line = text.slice(start, end);
    int dashes = 0;
    for (size_t i = 0; i < line.size(); ++i) {
      char c = line[i];
      if (c == '[' || c == '{')
        ++open;
      else if ((c == ']' || c == '}') && open > 0)
        --open;
      else if ((c == '-' || c == '?' || c == ':') &&
               (i + 1 == line.size() || line[i + 1] == ' '))
        ++dashes;
      if (open > 64 || dashes > 64)
        return sources.error(llvm::SMLoc::getFromPointer(line.data() + i),
                             "nested more than 64 deep");
    }
    if (line.size() - line.ltrim(' ').size() > 128)
      return sources.error(llvm::SMLoc::getFromPointer(line.data()),
                           "indented by more than 128 spaces");
    start = end + 1;
  }
  return llvm::Error::success();
}

class Converter {
public:
  Converter(const Sources &sources, llvm::StringRef text)
      : sources(sources), text(text) {}

  NodeResult convert(llvm::yaml::Node *node, int depth);

private:
  llvm::Error unsupported(llvm::yaml::Node *node, const llvm::Twine &what) {
    return sources.error(node->getSourceRange().Start,
                         what + " has no place in a family description");
  }
  NodeResult scalar(llvm::yaml::ScalarNode *node);
  NodeResult block(llvm::yaml::BlockScalarNode *node);
  NodeResult mapping(llvm::yaml::MappingNode *node, int depth);
  NodeResult sequence(llvm::yaml::SequenceNode *node, int depth);

  const Sources &sources;
  llvm::StringRef text;
};

std::unique_ptr<YamlNode> makeNode(YamlNode::Kind kind,
                                   llvm::yaml::Node *node) {
  auto result = std::make_unique<YamlNode>();
  result->kind = kind;
  result->loc = node->getSourceRange().Start;
  return result;
}

NodeResult Converter::scalar(llvm::yaml::ScalarNode *node) {
  auto result = makeNode(YamlNode::Kind::Scalar, node);
  llvm::SmallString<64> storage;
  llvm::StringRef raw = node->getRawValue();
  result->text.text = node->getValue(storage).str();
  result->quoted = raw.starts_with("\"") || raw.starts_with("'");
  const char *start = raw.data() + (result->quoted ? 1 : 0);
  result->text.lines = {llvm::SMLoc::getFromPointer(start)};
  return result;
}

NodeResult Converter::block(llvm::yaml::BlockScalarNode *node) {
  auto result = makeNode(YamlNode::Kind::Scalar, node);
  result->quoted = true;
  result->text.text = node->getValue().str();
  // The range of a block begins on the line behind its header.
  const char *raw = node->getSourceRange().Start.getPointer();
  const char *end = node->getSourceRange().End.getPointer();
  llvm::StringRef header(text.data(), raw - text.data());
  header = header.drop_back(header.ends_with("\n"));
  header = header.substr(header.rfind('\n') + 1);
  header = header.split(" #").first;
  if (header.find_last_of('>') != llvm::StringRef::npos &&
      !header.contains('|'))
    return unsupported(node, "a folded block");
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(result->text.text).split(lines, '\n');
  for (llvm::StringRef line : lines) {
    const char *lineEnd = std::find(raw, end, '\n');
    llvm::StringRef rawLine(raw, lineEnd - raw);
    size_t indent =
        rawLine.size() > line.size() ? rawLine.size() - line.size() : 0;
    if (!rawLine.ends_with(line))
      indent = 0;
    result->text.lines.push_back(llvm::SMLoc::getFromPointer(raw + indent));
    raw = lineEnd == end ? end : lineEnd + 1;
  }
  return result;
}

NodeResult Converter::mapping(llvm::yaml::MappingNode *node, int depth) {
  auto result = makeNode(YamlNode::Kind::Mapping, node);
  for (llvm::yaml::KeyValueNode &pair : *node) {
    auto *key = llvm::dyn_cast_or_null<llvm::yaml::ScalarNode>(pair.getKey());
    if (!key)
      return unsupported(&pair, "a key that is not a name");
    llvm::SmallString<64> storage;
    YamlNode::Entry entry;
    entry.key = key->getValue(storage).str();
    entry.loc = key->getSourceRange().Start;
    if (result->find(entry.key))
      return sources.error(entry.loc, "'" + llvm::Twine(entry.key) +
                                          "' stands here twice");
    NodeResult value = convert(pair.getValue(), depth + 1);
    if (!value)
      return value;
    entry.value = std::move(*value);
    result->entries.push_back(std::move(entry));
  }
  return result;
}

NodeResult Converter::sequence(llvm::yaml::SequenceNode *node, int depth) {
  auto result = makeNode(YamlNode::Kind::Sequence, node);
  for (llvm::yaml::Node &item : *node) {
    NodeResult value = convert(&item, depth + 1);
    if (!value)
      return value;
    result->items.push_back(std::move(*value));
  }
  return result;
}

NodeResult Converter::convert(llvm::yaml::Node *node, int depth) {
  if (!node)
    return llvm::createStringError("the description is empty");
  if (depth > maxDepth)
    return unsupported(node, "nesting this deep");
  if (!node->getAnchor().empty())
    return unsupported(node, "an anchor");
  if (!node->getRawTag().empty())
    return unsupported(node, "a tag");
  switch (node->getType()) {
  case llvm::yaml::Node::NK_Scalar:
    return scalar(llvm::cast<llvm::yaml::ScalarNode>(node));
  case llvm::yaml::Node::NK_BlockScalar:
    return block(llvm::cast<llvm::yaml::BlockScalarNode>(node));
  case llvm::yaml::Node::NK_Mapping:
    return mapping(llvm::cast<llvm::yaml::MappingNode>(node), depth);
  case llvm::yaml::Node::NK_Sequence:
    return sequence(llvm::cast<llvm::yaml::SequenceNode>(node), depth);
  case llvm::yaml::Node::NK_Null: {
    auto result = makeNode(YamlNode::Kind::Scalar, node);
    result->text.lines = {result->loc};
    return result;
  }
  default:
    return unsupported(node, "an alias");
  }
}

} // namespace

const YamlNode *YamlNode::find(llvm::StringRef key) const {
  for (const Entry &entry : entries)
    if (entry.key == key)
      return entry.value.get();
  return nullptr;
}

llvm::Expected<Value> YamlNode::toValue(const Sources &sources) const {
  if (kind == Kind::Mapping)
    return sources.error(loc, "a value is expected here, not a mapping");
  if (kind == Kind::Sequence) {
    Value::List list;
    for (const std::unique_ptr<YamlNode> &item : items) {
      llvm::Expected<Value> value = item->toValue(sources);
      if (!value)
        return value;
      list.push_back(std::move(*value));
    }
    return Value(std::move(list));
  }
  llvm::StringRef word = text.text;
  if (quoted)
    return Value(word.str());
  if (word.empty() || word == "null" || word == "~")
    return Value();
  if (word == "true" || word == "false")
    return Value(word == "true");
  int64_t integer = 0;
  if (!word.getAsInteger(10, integer))
    return Value(integer);
  double number = 0;
  if ((llvm::isDigit(word.front()) || word.front() == '-') &&
      llvm::to_float(word, number))
    return Value(number);
  return Value(word.str());
}

NodeResult parseYaml(const Sources &sources, llvm::StringRef text) {
  if (text.size() > maxBytes)
    return sources.error(llvm::SMLoc::getFromPointer(text.data()),
                         "a description of " + llvm::Twine(text.size()) +
                             " bytes; the limit is " + llvm::Twine(maxBytes));
  if (llvm::Error error = checkNesting(sources, text))
    return std::move(error);

  // LLVM reports to a source manager; its locations are ours, since it reads
  // the same memory.
  llvm::SourceMgr scratch;
  std::optional<std::pair<llvm::SMLoc, std::string>> problem;
  scratch.setDiagHandler(
      [](const llvm::SMDiagnostic &diagnostic, void *context) {
        auto &first = *static_cast<decltype(problem) *>(context);
        if (!first)
          first = {diagnostic.getLoc(), diagnostic.getMessage().str()};
      },
      &problem);
  std::error_code failed;
  llvm::yaml::Stream stream(text, scratch, /*ShowColors=*/false, &failed);
  llvm::yaml::document_iterator document = stream.begin();
  if (document == stream.end())
    return sources.error(llvm::SMLoc::getFromPointer(text.data()),
                         "the description is empty");
  NodeResult root = Converter(sources, text).convert(document->getRoot(), 0);
  if (root && !problem && !stream.failed())
    return root;
  if (problem) {
    if (!root)
      llvm::consumeError(root.takeError());
    return sources.error(problem->first, problem->second);
  }
  if (!root)
    return root;
  return sources.error(llvm::SMLoc::getFromPointer(text.data()),
                       "this is not YAML");
}

} // namespace moec::hf

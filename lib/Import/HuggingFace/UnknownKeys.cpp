//===- UnknownKeys.cpp - Configuration keys a family does not read --------===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//

#include "UnknownKeys.h"
#include "EmbeddedFamilies.h"
#include "moec/Support/Error.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace moec::hf {
namespace {

using nlohmann::json;

/// `pattern` is a name with at most one * at its beginning and its end.
bool matches(llvm::StringRef name, llvm::StringRef pattern) {
  bool anyStart = pattern.consume_front("*");
  bool anyEnd = pattern.consume_back("*");
  if (anyStart && anyEnd)
    return name.contains(pattern);
  if (anyStart)
    return name.ends_with(pattern);
  return anyEnd ? name.starts_with(pattern) : name == pattern;
}

llvm::ArrayRef<llvm::StringRef> commonKeys() {
  static const std::vector<llvm::StringRef> keys = [] {
    std::vector<llvm::StringRef> result;
    llvm::SmallVector<llvm::StringRef> lines;
    embeddedCommonKeys().split(lines, '\n');
    for (llvm::StringRef line : lines)
      if (line = line.split('#').first.trim(); !line.empty())
        result.push_back(line);
    return result;
  }();
  return keys;
}

bool speaksOfExperts(llvm::StringRef key) {
  static constexpr llvm::StringLiteral words[] = {
      "expert",  "moe",        "router",  "routing",   "routed",
      "route_",  "topk",       "top_k",   "gate",      "gating",
      "scoring", "score_func", "n_group", "num_group", "capacity",
      "swiglu",  "shared",     "jitter",  "sinkhorn",  "sparse_step"};
  std::string lower = key.lower();
  return llvm::any_of(words, [&](llvm::StringRef word) {
    return llvm::StringRef(lower).contains(word);
  });
}

bool switchesOff(const json &value) {
  return value.is_null() || (value.is_boolean() && !value.get<bool>()) ||
         (value.is_number() && value.get<double>() == 0) ||
         (value.is_structured() && value.empty()) ||
         (value.is_string() && value.get_ref<const std::string &>().empty());
}

class Search {
public:
  Search(const Family &family, llvm::StringRef path)
      : family(family), path(path) {}

  llvm::Error object(const json &section, const std::string &prefix);
  std::vector<std::string> found;

private:
  enum class Known { No, Yes, Inside };
  Known lookup(llvm::StringRef name) const;

  const Family &family;
  llvm::StringRef path;
};

Search::Known Search::lookup(llvm::StringRef name) const {
  if (llvm::any_of(family.ignored,
                   [&](llvm::StringRef p) { return matches(name, p); }))
    return Known::Yes;
  std::string inside = (name + ".").str();
  for (const KeyDescription &key : family.keys) {
    if (key.name == name || llvm::is_contained(key.aliases, name))
      return Known::Yes;
    if (llvm::StringRef(key.name).starts_with(inside))
      return Known::Inside;
  }
  llvm::StringRef last = name.rsplit('.').second;
  if (llvm::any_of(commonKeys(), [&](llvm::StringRef p) {
        return matches(last.empty() ? name : last, p);
      }))
    return Known::Yes;
  return Known::No;
}

llvm::Error Search::object(const json &section, const std::string &prefix) {
  for (auto it = section.begin(); it != section.end(); ++it) {
    std::string name = prefix + it.key();
    Known known = lookup(name);
    if (known == Known::Inside && it->is_object()) {
      if (llvm::Error error = object(*it, name + "."))
        return error;
      continue;
    }
    if (known == Known::Yes)
      continue;
    if (speaksOfExperts(it.key()) && !switchesOff(*it))
      return inputError(
          "{}: key {} is {}, and family {} does not know what it means; "
          "its name says that it changes what the MoE block computes, so it "
          "is not passed over; describe it with --family-file, under 'keys' "
          "or 'ignored'",
          path, quote(name), showJson(*it), family.name);
    found.push_back(printable(name));
  }
  return llvm::Error::success();
}

} // namespace

std::string showJson(const json &value) {
  std::string text =
      printable(value.dump(-1, ' ', true, json::error_handler_t::replace));
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

llvm::Expected<std::vector<std::string>> findUnknownKeys(const Family &family,
                                                         const json &section,
                                                         llvm::StringRef path) {
  Search search(family, path);
  if (llvm::Error error = search.object(section, ""))
    return std::move(error);
  return std::move(search.found);
}

} // namespace moec::hf

//===- LayerSelection.cpp - Which layers a command is about ---------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lists of layers: reading, matching, and folding for messages.
//
//===----------------------------------------------------------------------===//

#include "moec/Driver/LayerSelection.h"
#include "moec/Driver/Options.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace moec::driver {

/// The widest distance of layers that are folded; models alternate dense and
/// MoE layers with a period of two or four.
constexpr int64_t maxStep = 8;

/// "encoder.layers.3" as "encoder.layers." and 3; no number gives -1.
static std::pair<StringRef, int64_t> splitNumber(StringRef name) {
  size_t dot = name.rfind('.');
  if (dot == StringRef::npos)
    return {name, -1};
  std::optional<int64_t> number = parseInteger(name.substr(dot + 1));
  if (!number || *number < 0)
    return {name, -1};
  return {name.take_front(dot + 1), *number};
}

bool LayerSelection::Item::matches(StringRef name) const {
  if (!isRange)
    return name == text;
  int64_t number = splitNumber(name).second;
  return first <= number && number <= last;
}

Expected<LayerSelection::Item> LayerSelection::parseItem(StringRef text) {
  Item item;
  item.text = text.str();
  if (text.empty())
    return usageError("an element of the list of layers is empty");
  if (!isDigit(text.front()))
    return item;
  auto [head, tail] = text.split('-');
  std::optional<int64_t> first = parseInteger(head);
  std::optional<int64_t> last = text.contains('-') ? parseInteger(tail) : first;
  if (!first || !last)
    return usageError("{} is neither a layer's number, nor a range like 3-5, "
                      "nor a name like layers.3",
                      quote(text));
  if (*first > *last)
    return usageError("the range {} is empty: {} is more than {}", quote(text),
                      *first, *last);
  item.isRange = true;
  item.first = *first;
  item.last = *last;
  return item;
}

Expected<LayerSelection> LayerSelection::parse(StringRef text) {
  LayerSelection selection;
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  for (StringRef part : parts) {
    Expected<Item> item = parseItem(part.trim());
    if (!item)
      return item.takeError();
    selection.items.push_back(std::move(*item));
  }
  return selection;
}

bool LayerSelection::contains(StringRef name) const {
  return items.empty() ||
         any_of(items, [&](const Item &item) { return item.matches(name); });
}

Error LayerSelection::check(ArrayRef<std::string> layers,
                            ArrayRef<std::string> dense,
                            StringRef where) const {
  for (const Item &item : items) {
    auto matches = [&](const std::string &name) { return item.matches(name); };
    if (any_of(layers, matches))
      continue;
    std::string known = layers.empty()
                            ? "it has no MoE layers"
                            : "its MoE layers are " + foldLayerNames(layers);
    if (any_of(dense, matches))
      return inputError("{}: --layers names {}, which is a dense layer; {}",
                        where, quote(item.text), known);
    return inputError("{}: --layers names {}, which it does not have; {}",
                      where, quote(item.text), known);
  }
  return Error::success();
}

std::string foldLayerNames(ArrayRef<std::string> names) {
  std::string text;
  for (size_t i = 0; i < names.size();) {
    auto [stem, first] = splitNumber(names[i]);
    auto follows = [&, stem = stem](size_t at, int64_t number) {
      return at < names.size() && number >= 0 &&
             splitNumber(names[at]) == std::pair(stem, number);
    };
    // Two names are a run only if they are neighbours.
    int64_t step = follows(i + 1, first + 1) ? 1 : 0;
    for (int64_t wide = 2; !step && wide <= maxStep; ++wide)
      if (follows(i + 1, first + wide) && follows(i + 2, first + 2 * wide))
        step = wide;
    size_t count = 1;
    while (step && follows(i + count, first + int64_t(count) * step))
      ++count;
    if (!text.empty())
      text += ", ";
    text += printable(names[i]);
    if (count > 1)
      text += fmt::format("-{}", first + int64_t(count - 1) * step);
    if (step > 1)
      text += fmt::format(" by {}", step);
    i += count;
  }
  return text;
}

} // namespace moec::driver

//===- Options.cpp - A command's options ----------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Filling the table and parsing a command line by it.
//
//===----------------------------------------------------------------------===//

#include "moec/Driver/Options.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <fmt/ranges.h>

using namespace llvm;

namespace moec::driver {

char UsageError::ID = 0;

std::string closestName(StringRef name, ArrayRef<std::string> known) {
  std::string best;
  // A third of the letters wrong is not a slip any more.
  unsigned bestDistance = std::max<size_t>(name.size() / 3, 1) + 1;
  for (const std::string &candidate : known) {
    unsigned distance = name.edit_distance(candidate, true, bestDistance);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best;
}

std::optional<int64_t> parseInteger(StringRef text) {
  int64_t value = 0;
  if (text.getAsInteger(10, value))
    return std::nullopt;
  return value;
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

void OptionTable::positional(StringRef name, StringRef help,
                             std::string &target) {
  places.push_back({name.str(), help.str(), &target});
}

OptionTable::Option &OptionTable::custom(StringRef name, StringRef metavar,
                                         StringRef help, Setter set) {
  Option option;
  option.name = name.str();
  option.metavar = metavar.str();
  option.help = help.str();
  option.set = std::move(set);
  table.push_back(std::move(option));
  return table.back();
}

OptionTable::Option &OptionTable::flag(StringRef name, StringRef help,
                                       bool &target) {
  return custom(name, "", help, [&target](StringRef) {
    target = true;
    return Error::success();
  });
}

OptionTable::Option &OptionTable::text(StringRef name, StringRef metavar,
                                       StringRef help, std::string &target) {
  return custom(name, metavar, help, [&target](StringRef value) {
    target = value.str();
    return Error::success();
  });
}

OptionTable::Option &OptionTable::text(StringRef name, StringRef metavar,
                                       StringRef help,
                                       std::optional<std::string> &target) {
  return custom(name, metavar, help, [&target](StringRef value) {
    target = value.str();
    return Error::success();
  });
}

OptionTable::Option &OptionTable::number(StringRef name, StringRef metavar,
                                         StringRef help,
                                         std::optional<int64_t> &target,
                                         int64_t minimum, int64_t maximum) {
  return custom(name, metavar, help, [=, &target](StringRef value) -> Error {
    std::optional<int64_t> number = parseInteger(value);
    if (!number)
      return usageError("{} is not a whole number", quote(value));
    if (*number < minimum)
      return usageError("{} is less than {}", *number, minimum);
    if (*number > maximum)
      return usageError("{} is more than {}", *number, maximum);
    target = number;
    return Error::success();
  });
}

OptionTable::Option &OptionTable::list(StringRef name, StringRef help,
                                       std::vector<int64_t> &target,
                                       int64_t minimum, int64_t maximum) {
  return custom(name, "LIST", help, [=, &target](StringRef value) -> Error {
    target.clear();
    auto isInside = [&](std::optional<int64_t> number) {
      return number && *number >= minimum && *number <= maximum;
    };
    for (StringRef part : split(value, ',')) {
      auto [head, tail] = part.trim().split('-');
      std::optional<int64_t> first = parseInteger(head), last = first;
      if (part.contains('-'))
        last = parseInteger(tail);
      if (!isInside(first) || !isInside(last))
        return usageError("{} is not a whole number from {} to {}, or a range "
                          "of them like 3-5",
                          quote(part), minimum, maximum);
      if (*first > *last)
        return usageError("the range {} is empty: {} is more than {}",
                          quote(part), *first, *last);
      for (int64_t number = *first; number <= *last; ++number)
        target.push_back(number);
    }
    return Error::success();
  });
}

OptionTable::Option &OptionTable::choice(StringRef name, StringRef help,
                                         std::vector<std::string> values,
                                         std::string &target) {
  std::string metavar = fmt::format("{}", fmt::join(values, "|"));
  return custom(
      name, metavar, help,
      [&target, values = std::move(values)](StringRef value) -> Error {
        if (!is_contained(values, value))
          return usageError("{} is not one of {}", quote(value),
                            fmt::join(values, ", "));
        target = value.str();
        return Error::success();
      });
}

void OptionTable::endCommon() {
  for (Option &option : table)
    option.common = true;
}

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

Error OptionTable::parse(ArrayRef<StringRef> arguments) {
  bool onlyPositional = false;
  while (!arguments.empty()) {
    StringRef argument = arguments.consume_front();
    Error error = Error::success();
    if (onlyPositional || argument == "-" || !argument.starts_with("-"))
      error = takePositional(argument);
    else if (argument == "--")
      onlyPositional = true;
    else if (argument.starts_with("--"))
      error = parseLong(argument, arguments);
    else
      error = parseShort(argument, arguments);
    if (error)
      return error;
  }
  return Error::success();
}

Error OptionTable::parseLong(StringRef text, ArrayRef<StringRef> &rest) {
  StringRef name = text.drop_front(2);
  std::optional<StringRef> value;
  if (size_t at = name.find('='); at != StringRef::npos) {
    value = name.substr(at + 1);
    name = name.take_front(at);
  }
  auto option =
      find_if(table, [&](const Option &other) { return other.name == name; });
  std::string shownAs = "--" + name.str();
  if (option == table.end())
    return unknown(shownAs, name);
  return apply(*option, shownAs, value, rest);
}

Error OptionTable::parseShort(StringRef text, ArrayRef<StringRef> &rest) {
  char letter = text[1];
  auto option = find_if(
      table, [&](const Option &other) { return other.letter == letter; });
  std::string shownAs = text.take_front(2).str();
  if (option == table.end())
    return unknown(shownAs, text.drop_front(1));
  StringRef tail = text.drop_front(2);
  std::optional<StringRef> value;
  if (!tail.empty())
    value = tail.starts_with("=") ? tail.drop_front() : tail;
  return apply(*option, shownAs, value, rest);
}

Error OptionTable::apply(const Option &option, StringRef shownAs,
                         std::optional<StringRef> value,
                         ArrayRef<StringRef> &rest) {
  if (option.isFlag() && value)
    return usageError("{} takes no value, but {} is given", shownAs,
                      quote(*value));
  if (!option.isFlag() && !value) {
    if (rest.empty())
      return usageError("{} needs a value: {}={}", shownAs, shownAs,
                        option.metavar);
    value = rest.consume_front();
  }
  if (Error error = option.set(value.value_or("")))
    return usageError("{}: {}", shownAs, toString(std::move(error)));
  return Error::success();
}

Error OptionTable::takePositional(StringRef value) {
  auto place = find_if(places, [](const Positional &p) { return !p.given; });
  if (place == places.end())
    return usageError("there is no place for the argument {}", quote(value));
  *place->target = value.str();
  place->given = true;
  return Error::success();
}

Error OptionTable::unknown(StringRef shownAs, StringRef name) const {
  std::vector<std::string> names;
  names.reserve(table.size());
  for (const Option &option : table)
    names.push_back(option.name);
  std::string guess = closestName(name, names);
  if (guess.empty())
    return usageError("there is no option {}", quote(shownAs));
  return usageError("there is no option {}; did you mean --{}?", quote(shownAs),
                    guess);
}

} // namespace moec::driver

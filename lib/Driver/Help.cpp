//===- Help.cpp - Help pages ----------------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pages of 80 columns, made from the same tables that the parser uses.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "Table.h"

using namespace llvm;

namespace moec::driver {

/// Where descriptions start; a longer term gets a line of its own.
constexpr size_t helpColumn = 28;

/// "  term    description".
static std::string entry(StringRef term, StringRef description) {
  std::string line = fmt::format("  {}", term);
  if (line.size() + 2 > helpColumn)
    line += "\n" + std::string(helpColumn, ' ');
  else
    line.resize(helpColumn, ' ');
  return line + wrapText(description, helpColumn) + "\n";
}

static std::string optionTerm(const OptionTable::Option &option) {
  std::string term =
      option.letter ? fmt::format("-{}, ", option.letter) : std::string(4, ' ');
  term += "--" + option.name;
  if (!option.isFlag())
    term += "=" + option.metavar;
  return term;
}

static std::string paragraphs(StringRef text) {
  std::string result;
  while (!text.empty()) {
    auto [paragraph, rest] = text.split("\n\n");
    std::string line = paragraph.str();
    for (char &c : line)
      if (c == '\n')
        c = ' ';
    result += wrapText(line, 0) + "\n\n";
    text = rest;
  }
  return result;
}

static std::string examples(const Console &console, StringRef text) {
  std::string result = console.styled(Style::Bold, "Example:") + "\n";
  SmallVector<StringRef> lines;
  text.split(lines, '\n');
  for (StringRef line : lines)
    result += fmt::format("  {}\n", line);
  return result;
}

std::string commandHelp(const Console &console, const CommandInfo &info,
                        const OptionTable &options) {
  std::string page = fmt::format(
      "{} - {}\n\n",
      console.styled(Style::Bold, fmt::format("moec {}", info.name)),
      info.summary);
  page += fmt::format("{} moec {}", console.styled(Style::Bold, "Usage:"),
                      info.name);
  for (const OptionTable::Positional &place : options.positionals())
    page += " " + place.name;
  page += " [options]\n\n" + paragraphs(info.description);
  for (const OptionTable::Positional &place : options.positionals())
    page += entry(place.name, place.help);
  for (bool common : {false, true}) {
    bool first = true;
    for (const OptionTable::Option &option : options.options()) {
      if (option.common != common)
        continue;
      if (first)
        page += "\n" +
                console.styled(Style::Bold, common ? "Options of every command:"
                                                   : "Options:") +
                "\n";
      first = false;
      page += entry(optionTerm(option), option.help);
    }
  }
  return page + "\n" + examples(console, info.example);
}

std::string programHelp(const Console &console,
                        ArrayRef<const CommandInfo *> commands) {
  std::string page =
      console.styled(Style::Bold, "moec") +
      " - compiles the Mixture-of-Experts layers of a model\n\n" +
      console.styled(Style::Bold, "Usage:") + " moec COMMAND [options]\n\n" +
      console.styled(Style::Bold, "Commands:") + "\n";
  for (const CommandInfo *info : commands)
    page += fmt::format("  {:<12}{}\n", info->name, info->summary);
  page += "\n`moec COMMAND --help` explains a command; `moec --version` says "
          "which moec this\nis. Exit codes: 0 done, 1 something is wrong with "
          "the input or a result,\n2 usage.\n\n";
  return page + examples(console, "$ moec inspect path/to/checkpoint\n"
                                  "$ moec compile path/to/checkpoint -o "
                                  "model.moec\n"
                                  "$ moec verify model.moec\n"
                                  "$ moec run model.moec --layer=layers.0 "
                                  "--input=x.npy --output=y.npy");
}

} // namespace moec::driver

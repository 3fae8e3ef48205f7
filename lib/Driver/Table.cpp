//===- Table.cpp - Text in lines and columns
//----------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Laying out words and cells.
//
//===----------------------------------------------------------------------===//

#include "Table.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace moec::driver {

/// Columns of a terminal.
constexpr size_t pageWidth = 80;

std::string wrapText(StringRef text, size_t indent) {
  std::string result;
  size_t column = indent;
  while (!text.empty()) {
    auto [word, rest] = text.split(' ');
    if (column > indent && column + 1 + word.size() > pageWidth) {
      result += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      result += ' ';
      ++column;
    }
    result += word;
    column += word.size();
    text = rest;
  }
  return result;
}

Table::Table(std::vector<std::string> columns) : heading(std::move(columns)) {
  for (std::string &name : heading) {
    toTheRight.push_back(name.starts_with('>'));
    if (toTheRight.back())
      name.erase(0, 1);
  }
}

void Table::addRow(std::vector<std::string> cells) {
  cells.resize(heading.size());
  rows.push_back(std::move(cells));
}

std::string Table::line(const std::vector<std::string> &cells,
                        const std::vector<size_t> &widths) const {
  std::string text;
  for (auto [i, cell] : enumerate(cells)) {
    std::string padding(widths[i] - cell.size(), ' ');
    text += "  " + (toTheRight[i] ? padding + cell : cell + padding);
  }
  return StringRef(text).rtrim(' ').str();
}

std::string Table::str(const Console &console) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < heading.size(); ++i) {
    widths.push_back(heading[i].size());
    for (const std::vector<std::string> &row : rows)
      widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text = console.styled(Style::Dim, line(heading, widths)) + "\n";
  for (const std::vector<std::string> &row : rows)
    text += line(row, widths) + "\n";
  return text;
}

} // namespace moec::driver

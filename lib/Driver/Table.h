//===- Table.h - Text in lines and columns --------------------------------*-
// C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout for people: paragraphs, and tables whose columns are as wide as they
// need to be, with numbers to the right.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_TABLE_H
#define MOEC_LIB_DRIVER_TABLE_H

#include "Console.h"

#include <vector>

namespace moec::driver {

/// `text` in lines of at most 80 columns, of which all but the first begin with
/// `indent` spaces; the first starts in that column.
std::string wrapText(llvm::StringRef text, size_t indent);

class Table {
public:
  /// A name that starts with '>' makes a column of numbers, without the '>'.
  explicit Table(std::vector<std::string> columns);

  /// Cells of the columns, from the first on; the others are empty.
  void addRow(std::vector<std::string> cells);

  /// The table with its heading, every line indented by two columns.
  std::string str(const Console &console) const;

private:
  std::string line(const std::vector<std::string> &cells,
                   const std::vector<size_t> &widths) const;

  std::vector<std::string> heading;
  std::vector<bool> toTheRight;
  std::vector<std::vector<std::string>> rows;
};

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_TABLE_H

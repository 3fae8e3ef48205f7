//===- LayerSelection.h - Which layers a command is about -------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The value of --layers: a list of layer numbers, ranges and names, as in
// "0,3-5,encoder.layers.1".
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_DRIVER_LAYERSELECTION_H
#define MOEC_DRIVER_LAYERSELECTION_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace moec::driver {

class LayerSelection {
public:
  /// Selects everything.
  LayerSelection() = default;

  /// Fails with UsageError if `text` is no such list.
  static llvm::Expected<LayerSelection> parse(llvm::StringRef text);

  bool selectsAll() const { return items.empty(); }
  /// Whether the layer `name` is selected. A number n selects every layer whose
  /// name ends in ".n": one, or one of the encoder and one of the decoder.
  bool contains(llvm::StringRef name) const;

  /// Fails if an item selects no layer of `layers`, or only layers of `dense`,
  /// which have no experts to compile; `where` names the model.
  llvm::Error check(llvm::ArrayRef<std::string> layers,
                    llvm::ArrayRef<std::string> dense,
                    llvm::StringRef where) const;

private:
  struct Item {
    /// As the user wrote it.
    std::string text;
    /// Numbers [first, last], if the item is no name.
    bool isRange = false;
    int64_t first = 0, last = 0;

    bool matches(llvm::StringRef name) const;
  };

  static llvm::Expected<Item> parseItem(llvm::StringRef text);

  std::vector<Item> items;
};

/// Names in order with runs of numbers folded: "layers.0-3, layers.5-11 by 2".
std::string foldLayerNames(llvm::ArrayRef<std::string> names);

} // namespace moec::driver

#endif // MOEC_DRIVER_LAYERSELECTION_H

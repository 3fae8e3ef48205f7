//===- Shapes.h - Layers worth timing ---------------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes of published models' MoE layers, each with the family whose router and
// experts it has; and sizes given as numbers.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_PERFORMANCE_SHAPES_H
#define MOEC_PERFORMANCE_SHAPES_H

#include "moec/Import/HuggingFace/NewModel.h"

namespace moec::perf {

/// One MoE layer of a family.
struct LayerShape {
  /// As the user calls it.
  std::string name;
  std::string family;
  int64_t experts = 0, topK = 0, hidden = 0, width = 0;
  /// Further keys of config.json, with JSON values.
  std::vector<std::pair<std::string, std::string>> keys;

  /// A model of this one layer, with random weights stored as `dtype`.
  hf::NewModelOptions model(DType dtype) const;
};

/// The shape called `text`, or the mixtral-like one of "E,K,H,I": experts,
/// experts of a token, columns of a row, columns inside an expert.
llvm::Expected<LayerShape> parseShape(llvm::StringRef text);

/// The names there are.
std::vector<std::string> shapeNames();

} // namespace moec::perf

#endif // MOEC_PERFORMANCE_SHAPES_H

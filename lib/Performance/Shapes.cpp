//===- Shapes.cpp - Layers worth timing -----------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes are those of the models' published config.json files.
//
//===----------------------------------------------------------------------===//

#include "moec/Performance/Shapes.h"
#include "moec/Support/Error.h"

#include "llvm/ADT/STLExtras.h"

#include <fmt/ranges.h>

using namespace llvm;

namespace moec::perf {

static const LayerShape shapes[] = {
    {"mixtral", "mixtral", 8, 2, 4096, 14336, {}},
    {"qwen3-30b", "qwen3_moe", 128, 8, 2048, 768, {{"norm_topk_prob", "true"}}},
    {"olmoe", "olmoe", 64, 8, 2048, 1024, {}},
    {"gpt-oss-20b", "gpt_oss", 32, 4, 2880, 2880, {}},
    {"deepseek-v3",
     "deepseek_v3",
     256,
     8,
     7168,
     2048,
     {{"n_group", "8"}, {"topk_group", "4"}, {"first_k_dense_replace", "0"}}}};

hf::NewModelOptions LayerShape::model(DType dtype) const {
  hf::NewModelOptions options;
  options.hidden = hidden;
  options.experts = experts;
  options.topK = topK;
  options.width = width;
  options.layers = 1;
  options.keys = keys;
  options.dtype = dtype;
  return options;
}

std::vector<std::string> shapeNames() {
  std::vector<std::string> names;
  for (const LayerShape &shape : shapes)
    names.push_back(shape.name);
  return names;
}

Expected<LayerShape> parseShape(StringRef text) {
  for (const LayerShape &shape : shapes)
    if (text == shape.name)
      return shape;
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  SmallVector<int64_t> sizes(parts.size());
  constexpr int64_t largest = int64_t(1) << 31;
  for (auto [part, size] : zip(parts, sizes))
    if (part.getAsInteger(10, size) || size < 1 || size > largest)
      sizes.clear();
  if (sizes.size() != 4)
    return inputError("{} is no shape: the shapes are {}, and four sizes "
                      "E,K,H,I (experts, experts of a token, columns of a "
                      "row, columns inside an expert)",
                      quote(text), fmt::join(shapeNames(), ", "));
  return LayerShape{text.str(), "mixtral", sizes[0], sizes[1],
                    sizes[2],   sizes[3],  {}};
}

} // namespace moec::perf

//===- Panels.cpp - Weights packed in panels ------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "moec/Codegen/Common/Panels.h"
#include "moec/Dialect/Moe/NumberFormat.h"

#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;

namespace moec {

moe::PanelsAttr panelsFor(ArrayRef<int64_t> args, RankedTensorType type,
                          int64_t cols, int64_t depth, int64_t unroll,
                          moe::PanelOrder order) {
  MLIRContext *context = type.getContext();
  int64_t k = type.getShape().back();
  auto make = [&](int64_t multiple, Type element, Attribute encoding) {
    return moe::PanelsAttr::get(context, args, cols, depth,
                                llvm::alignTo(k, multiple) / depth, element,
                                encoding, order);
  };
  int64_t steps = depth * unroll;
  std::optional<moe::NumberFormat> format =
      moe::NumberFormat::of(type.getEncoding());
  if (!format)
    return make(steps, type.getElementType(), {});
  Type code = IntegerType::get(context, format->block.codeBits());
  if (!format->group)
    return make(steps, code, type.getEncoding());
  int64_t whole = std::lcm(format->group, steps);
  moe::PanelsAttr panels = make(whole, code, type.getEncoding());
  return make(std::lcm(format->group * panels.getUnitGroups(), whole), code,
              type.getEncoding());
}

} // namespace moec

//===- ProductRanges.cpp - What a product does by its rows ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProductRanges.h"

namespace moec::cpu {

FailureOr<ProductRanges> ProductRanges::read(Operation *op, ArrayAttr ranges,
                                             const TileShape &shape) {
  ProductRanges result;
  if (!ranges)
    return result;
  int64_t before = 0;
  for (auto range : ranges.getAsRange<moe::CpuRangeAttr>()) {
    if (range.getFrom() <= before || (before == 0 && range.getFrom() != 1))
      return op->emitOpError("range ")
             << range << " does not follow one from " << before
             << " rows on; ranges begin at 1 row and rise";
    if (range.getChunk() % shape.chunkSteps() != 0)
      return op->emitOpError("range ")
             << range << " has chunks of " << range.getChunk()
             << " steps, not a multiple of the " << shape.chunkSteps()
             << " that a tile takes at a time";
    if (range.getDecode() && !shape.layout.getEncoding())
      return op->emitOpError("range ")
             << range << " decodes weights that are not encoded";
    before = range.getFrom();
    bool isChunked = range.getChunk() != 0 && range.getChunk() < shape.steps();
    result.chunked |= isChunked;
    if (range.getDecode())
      result.mostDecoded = std::max(
          result.mostDecoded, isChunked ? range.getChunk() : shape.steps());
    result.ranges.push_back(range);
  }
  return result;
}

template <typename Field>
Value ProductRanges::pick(KernelEmitter &e, Value count, Field field) const {
  Value number = e.index(0);
  for (moe::CpuRangeAttr range : ranges)
    number =
        arith::SelectOp::create(e.b, e.less(count, e.index(range.getFrom())),
                                number, e.index((range.*field)()));
  return number;
}

Value ProductRanges::chunk(KernelEmitter &e, Value count) const {
  return pick(e, count, &moe::CpuRangeAttr::getChunk);
}

Value ProductRanges::ahead(KernelEmitter &e, Value count) const {
  return pick(e, count, &moe::CpuRangeAttr::getAhead);
}

Value ProductRanges::decode(KernelEmitter &e, Value count) const {
  return pick(e, count, &moe::CpuRangeAttr::getDecode);
}

} // namespace moec::cpu

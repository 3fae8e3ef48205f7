//===- EncodedProducts.cpp - Products of a warp's encoded weights ---------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EncodedProducts.h"
#include "moec/Support/Fragments.h"

namespace moec::nvptx {

EncodedProducts::EncodedProducts(ProductKernel &p, int64_t tokens, bool areFew)
    : p(p), k(p.k), tile(p.product.tile), atom{p.product.rows.element},
      tokens(tokens), tokenAtoms(tokens / MmaAtom::n), areFew(areFew),
      depth(stageDepth(tile)), stageSteps(depth / encodedDepth),
      weights(p, depth), lifted(areFew && weights.decoder.lifts()) {}

LogicalResult EncodedProducts::check(int64_t warpRows, bool fits) {
  Operation *op = p.product.op;
  if (!MmaAtom::takes(p.product.rows.element))
    return op->emitOpError("strategy ")
           << tile << " decodes weights for rows of bf16 or f16, these are "
           << p.product.rows.element;
  if (fits && warpRows == EncodedWeights::rows && tokenAtoms > 0 &&
      tokenAtoms * MmaAtom::n == tokens && tile.getStages() >= 2 &&
      depth % Swizzle::depth == 0 && weights.fits() &&
      p.product.rows.stride % Swizzle::depth == 0)
    return success();
  return op->emitOpError("strategy ")
         << tile << " does not fit " << EncodedWeights::rows
         << " rows of encoded weights for a warp, two stages or more, and rows "
            "of "
         << p.product.rows.stride << " elements";
}

SmallVector<Value> EncodedProducts::zeroSums() {
  return SmallVector<Value>(EncodedWeights::rowAtoms * tokenAtoms *
                                MmaAtom::accumulators,
                            k.f32(0.0));
}

void EncodedProducts::multiply(
    const Memory &stages, Value codes,
    function_ref<SmallVector<Value>(int64_t atom, int64_t step)> tokensOf,
    MutableArrayRef<Value> sums) {
  int64_t spanSteps = weights.spanSteps(), products = weights.spanProducts();
  constexpr int64_t rowAtoms = EncodedWeights::rowAtoms;
  auto add = [&](ArrayRef<Value> factors, ArrayRef<Value> rows, int64_t n,
                 MutableArrayRef<Value> to) {
    atom.multiply(
        k, factors,
        rows.slice(n * MmaAtom::tokenRegisters, MmaAtom::tokenRegisters), to);
  };
  for (int64_t s = 0; s < weights.spans(); ++s) {
    // Keeps the assembler from decoding several spans at once, which takes more
    // registers than there are with many tokens.
    if (s > 0 && !areFew)
      k.syncWarp();
    SmallVector<Scales> scales = weights.loadScales(stages, codes, s);
    // Of a row atom, one product after the other along the span.
    SmallVector<SmallVector<Value>> factors(rowAtoms);
    for (int64_t step = 0; step < spanSteps; ++step) {
      SmallVector<Value> decoded = weights.fragments(
          stages, codes, s * spanSteps + step, scales, lifted);
      size_t share = decoded.size() / rowAtoms;
      for (int64_t i = 0; i < rowAtoms; ++i)
        llvm::append_range(factors[i],
                           ArrayRef(decoded).slice(i * share, share));
    }
    for (int64_t j = 0; j < tokenAtoms; ++j) {
      SmallVector<Value> rows;
      for (int64_t step = 0; step < spanSteps; ++step)
        llvm::append_range(rows, tokensOf(j, s * spanSteps + step));
      for (int64_t i = 0; i < rowAtoms; ++i) {
        MutableArrayRef<Value> own =
            sums.slice((i * tokenAtoms + j) * MmaAtom::accumulators,
                       MmaAtom::accumulators);
        SmallVector<Value> fresh(MmaAtom::accumulators, k.f32(0.0));
        MutableArrayRef<Value> group =
            weights.scalesSpans() ? MutableArrayRef(fresh) : own;
        if (lifted)
          for (int64_t n = 0; n < products; ++n)
            add(weights.lift(i, scales), rows, n, group);
        for (int64_t n = 0; n < products; ++n)
          add(ArrayRef(factors[i])
                  .slice(n * MmaAtom::weightRegisters,
                         MmaAtom::weightRegisters),
              rows, n, group);
        if (!weights.scalesSpans())
          continue;
        for (auto [n, product] : llvm::enumerate(group))
          own[n] = math::FmaOp::create(k.b, weights.scale(scales, i, n / 2),
                                       product, own[n]);
      }
    }
  }
}

void EncodedProducts::scaleRows(MutableArrayRef<Value> sums) {
  SmallVector<Scales> scales;
  if (weights.hasRowScales())
    scales = weights.loadRowScales();
  else if (!weights.decoder.scalesNumbers())
    return;
  for (auto [n, sum] : llvm::enumerate(sums)) {
    int64_t number = n, of = number / MmaAtom::accumulators,
            half = number % MmaAtom::accumulators / 2;
    Value scale = weights.hasRowScales()
                      ? weights.scale(scales, of / tokenAtoms, half)
                      : k.f32(std::ldexp(1.0, kFp4SumExponent));
    sum = arith::MulFOp::create(k.b, sum, scale);
  }
}

} // namespace moec::nvptx

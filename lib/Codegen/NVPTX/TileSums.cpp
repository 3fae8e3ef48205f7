//===- TileSums.cpp - Sums that warps exchange ----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileSums.h"
#include "TensorCore.h"

namespace moec::nvptx {

/// Room behind a token's sums, so that a fragment meets no bank twice.
static constexpr int64_t sumPadding = 4;

int64_t TileSums::bytes() const {
  return parts * tokens * (rows + sumPadding) * 4;
}

void TileSums::put(Value arena, ValueRange sums, Value part, Value firstRow) {
  memory = {arena, k.b.getF32Type(), k.i32(rows + sumPadding)};
  Value row = k.add(firstRow, k.div(k.lane(), 4)),
        token = k.mul(k.rem(k.lane(), 4), 2);
  Value firstToken = k.add(k.mul(part, tokens), token);
  int64_t tokenAtoms = tokens / MmaAtom::n;
  for (auto [n, sum] : llvm::enumerate(sums)) {
    int64_t number = n, atom = number / MmaAtom::accumulators;
    int64_t i = atom / tokenAtoms, j = atom % tokenAtoms;
    int64_t half = number % MmaAtom::accumulators / 2, q = number % 2;
    k.store(sum, memory, k.add(firstToken, j * MmaAtom::n + q),
            k.add(row, i * MmaAtom::m + 8 * half));
  }
  k.syncBlock();
}

void TileSums::finish() {
  int64_t features = p.product.features();
  k.loop(k.thread(), features * tokens, k.threads, [&](Value i) {
    Value token = k.div(i, features);
    p.forToken(token, [&](const TokenPlace &place) {
      Element element{k.rem(i, features), {}};
      for (int64_t w = 0; w < p.product.weights; ++w) {
        Value row = p.rowOfFeature(element.feature, w);
        Value sum = k.load(memory, token, row);
        for (int64_t part = 1; part < parts; ++part)
          sum = arith::AddFOp::create(
              k.b, sum, k.load(memory, k.add(token, part * tokens), row));
        element.accumulators.push_back(sum);
      }
      p.finish(place, element);
    });
  });
}

void TileSums::finishWarps(Value arena, ValueRange sums) {
  k.syncBlock();
  put(arena, sums, k.div(k.thread(), warpSize), /*firstRow=*/k.i32(0));
  finish();
}

} // namespace moec::nvptx

//===- RouterTile.cpp - Rows times a router's matrix ----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A warp has 16 outputs and, where there are fewer such runs than warps, a part
// of K. Which numbers of K meet in a step of the tensor core does not matter:
// a lane has 8 neighbours of each of its rows, for two steps.
//
//===----------------------------------------------------------------------===//

#include "RouterTile.h"
#include "TensorCore.h"

#include "llvm/Support/MathExtras.h"

#include <numeric>

namespace moec::nvptx {

/// Numbers of bf16 that a number is taken apart into, each with 8 of its bits.
static int64_t partsOf(Type element) {
  constexpr int64_t bits = 8;
  return llvm::divideCeil(cast<FloatType>(element).getFPMantissaWidth(), bits);
}
/// Those of an f32 number.
static constexpr int64_t mostParts = 3;

bool isRouterTileElement(Type element) {
  return element.isBF16() || element.isF32();
}

namespace {

/// A lane's 8 neighbours of a row: for each part, pairs of bf16.
using Parts = SmallVector<SmallVector<Value>>;

class RouterTile {
public:
  RouterTile(DeviceKernel &k, const RouterTileOperands &operands)
      : k(k), o(operands), rows(k.threads / warpSize),
        rowAtoms(llvm::divideCeil(o.outputs, MmaAtom::m)),
        tokenAtoms(rows / MmaAtom::n),
        splits(std::max<int64_t>(1, rows / rowAtoms)),
        width(rowAtoms * MmaAtom::m), atom{k.b.getBF16Type()} {}

  Memory emit();

private:
  /// Elements of a row that a lane reads at a time, and a warp in a step.
  static constexpr int64_t run = 8, depth = 2 * MmaAtom::k;

  Parts takeApart(ValueRange numbers);
  SmallVector<Value> finite(ValueRange pairs);
  SmallVector<Value> accumulate(const Memory &x, Value rowAtom, Value split);
  void multiply(ArrayRef<Parts> weights, ArrayRef<Parts> tokens,
                MutableArrayRef<Value> sums);
  void put(Value rowAtom, Value split, ValueRange sums);

  DeviceKernel &k;
  const RouterTileOperands &o;
  const int64_t rows, rowAtoms, tokenAtoms, splits, width;
  const MmaAtom atom;
  Memory partial;
};

} // namespace

Parts RouterTile::takeApart(ValueRange numbers) {
  Type element = numbers[0].getType();
  int64_t parts = partsOf(element);
  Parts result(parts);
  if (parts == 1) {
    for (int64_t i = 0; i < run; i += 2)
      result[0].push_back(k.pack(numbers[i], numbers[i + 1]));
    return result;
  }
  Type i32 = k.b.getI32Type(), f32 = k.b.getF32Type();
  auto rest = llvm::map_to_vector(numbers, [&](Value x) { return k.toF32(x); });
  for (int64_t part = 0; part < parts; ++part) {
    SmallVector<Value> high;
    for (Value &x : rest) {
      constexpr int64_t highBits = -0x10000;
      Value all = LLVM::BitcastOp::create(k.b, i32, x);
      Value bits = k.bitAnd(all, highBits);
      high.push_back(bits);
      if (part + 1 == parts)
        continue;
      // An infinity is its first part, and nothing is left.
      Value taken = LLVM::BitcastOp::create(k.b, f32, bits);
      Value isAll =
          arith::CmpFOp::create(k.b, arith::CmpFPredicate::OEQ, taken, x);
      Value left = arith::SubFOp::create(k.b, x, taken);
      x = k.select(isAll, k.f32(0.0), left);
    }
    for (int64_t i = 0; i < run; i += 2)
      result[part].push_back(k.bitOr(k.shiftRight(high[i], 16), high[i + 1]));
  }
  return result;
}

/// Pairs of bf16 with zeros for infinities and NaN.
SmallVector<Value> RouterTile::finite(ValueRange pairs) {
  return llvm::map_to_vector(pairs, [&](Value pair) {
    for (int64_t shift : {0, 16}) {
      int64_t exponent = int64_t(0x7f80) << shift,
              otherHalf = shift ? 0xffff : -0x10000;
      Value isFinite = k.compare(arith::CmpIPredicate::ne,
                                 k.bitAnd(pair, exponent), exponent);
      pair = k.select(isFinite, pair, k.bitAnd(pair, otherHalf));
    }
    return pair;
  });
}

/// Adds the products of 32 elements of K. `weights` are of two rows 8 apart.
/// What is not finite is multiplied by weights' first parts alone: others may
/// be zero, and zero times infinity is no number.
void RouterTile::multiply(ArrayRef<Parts> weights, ArrayRef<Parts> tokens,
                          MutableArrayRef<Value> sums) {
  int64_t weightParts = weights[0].size(), tokenParts = tokens[0].size();
  SmallVector<SmallVector<Value>> finites;
  for (const Parts &row : tokens)
    finites.push_back(finite(row[0]));
  for (int64_t i = 0; i < weightParts; ++i)
    for (int64_t j = 0; j < tokenParts && i + j < mostParts; ++j)
      for (int64_t half = 0; half < 2; ++half)
        for (auto [token, row] : llvm::enumerate(tokens)) {
          ArrayRef<Value> low = weights[0][i], high = weights[1][i],
                          numbers = i > 0 && j == 0 ? finites[token] : row[j];
          int64_t pair = 2 * half;
          atom.multiply(
              k, {low[pair], high[pair], low[pair + 1], high[pair + 1]},
              {numbers[pair], numbers[pair + 1]},
              sums.slice(token * MmaAtom::accumulators, MmaAtom::accumulators));
        }
}

SmallVector<Value> RouterTile::accumulate(const Memory &x, Value rowAtom,
                                          Value split) {
  constexpr int64_t quad = 4;
  Value inQuad = k.rem(k.lane(), quad), inAtom = k.div(k.lane(), quad);
  Value laneCol = k.mul(inQuad, run);
  // Where rows of one type begin takes no registers while others are read.
  Value firstRow = k.anew(o.firstRow);
  SmallVector<Value> outputs, tokens;
  for (int64_t i = 0; i < 2; ++i)
    outputs.push_back(
        k.min(k.add(k.add(k.mul(rowAtom, MmaAtom::m), i * MmaAtom::n), inAtom),
              o.outputs - 1));
  for (int64_t i = 0; i < tokenAtoms; ++i)
    tokens.push_back(k.add(firstRow, k.add(inAtom, i * MmaAtom::n)));
  for (Value &token : tokens)
    token = k.min(token, k.sub(o.rowCount, 1));
  // Steps of K that the warp has: more registers hold what is read, or parts.
  int64_t halves = partsOf(x.stored()) == 1
                       ? std::gcd(o.stride / depth, int64_t(2))
                       : 1,
          stepDepth = halves * depth;
  int64_t steps = o.stride / stepDepth;
  int64_t stepsOfSplit = llvm::divideCeil(steps, splits);
  Value from = k.mul(split, stepsOfSplit * stepDepth);
  Value to = k.min(k.add(from, stepsOfSplit * stepDepth), o.stride);
  SmallVector<Value> sums(tokenAtoms * MmaAtom::accumulators, k.f32(0.0));
  return k.loopCarried(
      from, to, stepDepth, sums,
      [&](Value step, ValueRange carried) -> SmallVector<Value> {
        SmallVector<Value> next(carried);
        // Runs of two outputs, then of the tokens.
        SmallVector<SmallVector<SmallVector<Value>>> runs(halves);
        for (int64_t i = 0; i < halves; ++i) {
          Value col = k.add(k.add(step, i * depth), laneCol);
          for (Value output : outputs)
            runs[i].push_back(k.loadRun(o.matrix, output, col, run));
          for (Value token : tokens)
            runs[i].push_back(k.loadStored(x, token, col, run));
        }
        for (ArrayRef<SmallVector<Value>> read : runs) {
          auto parts = llvm::map_to_vector(
              read, [&](ValueRange numbers) { return takeApart(numbers); });
          multiply(ArrayRef(parts).take_front(outputs.size()),
                   ArrayRef(parts).drop_front(outputs.size()), next);
        }
        return next;
      });
}

/// Accumulator 2 h + q of lane l is output 8 h + l / 4 of token 2 (l % 4) + q.
void RouterTile::put(Value rowAtom, Value split, ValueRange sums) {
  constexpr int64_t quad = 4;
  Value firstOutput = k.add(k.mul(rowAtom, MmaAtom::m), k.div(k.lane(), quad));
  Value firstToken = k.add(k.mul(split, rows), k.mul(k.rem(k.lane(), quad), 2));
  for (int64_t token = 0; token < tokenAtoms; ++token)
    for (int64_t h = 0; h < 2; ++h)
      for (int64_t q = 0; q < 2; ++q)
        k.store(sums[token * MmaAtom::accumulators + 2 * h + q], partial,
                k.add(firstToken, token * MmaAtom::n + q),
                k.add(firstOutput, h * MmaAtom::n));
}

Memory RouterTile::emit() {
  partial = k.allocateShared(k.b.getF32Type(), splits * rows, width);
  k.loop(k.warp(), rowAtoms * splits, rows, [&](Value unit) {
    Value rowAtom = k.rem(unit, rowAtoms), split = k.div(unit, rowAtoms);
    k.forTypes(o.x, [&](const Memory &x) {
      put(rowAtom, split, accumulate(x, rowAtom, split));
    });
  });
  k.syncBlock();
  if (splits > 1) {
    k.loop(k.thread(), rows * width, k.threads, [&](Value i) {
      Value sum = k.load(partial, 0, i);
      for (int64_t split = 1; split < splits; ++split)
        sum = arith::AddFOp::create(k.b, sum, k.load(partial, split * rows, i));
      k.store(sum, partial, 0, i);
    });
    k.syncBlock();
  }
  return partial;
}

Memory emitRouterTile(DeviceKernel &k, const RouterTileOperands &operands) {
  // Parts of weights take more registers than two blocks leave a thread.
  if (partsOf(operands.matrix.element) > 1)
    k.aimForBlocks(1);
  Memory sums = RouterTile(k, operands).emit();
  k.renewWarp();
  return sums;
}

} // namespace moec::nvptx

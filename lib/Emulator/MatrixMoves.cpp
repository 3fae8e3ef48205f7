//===- MatrixMoves.cpp - ldmatrix, stmatrix, movmatrix --------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// 8x8 matrices of 16-bit elements between shared memory and registers. Lane l
// holds row l / 4, columns 2 (l % 4) and the next; with .trans rows are
// columns. Row r of matrix m lies where lane 8 m + r says.
//
//===----------------------------------------------------------------------===//

#include "AccessGroups.h"
#include "Launch.h"

#include <cstring>

using namespace llvm;

namespace moec::emulator {
namespace {

struct Matrix {
  uint16_t at[8][8];

  void fromRegisters(const Gathering &all, unsigned slot) {
    for (unsigned lane = 0; lane < warpSize; ++lane)
      for (unsigned e = 0; e < 2; ++e)
        at[lane / 4][2 * (lane % 4) + e] =
            uint16_t(all.lanes[lane].in[slot] >> (16 * e));
  }
  void toRegisters(Gathering &all, unsigned slot) const {
    for (unsigned lane = 0; lane < warpSize; ++lane)
      all.lanes[lane].out[slot] = at[lane / 4][2 * (lane % 4)] |
                                  uint32_t(at[lane / 4][2 * (lane % 4) + 1])
                                      << 16;
  }
  void transpose() {
    for (unsigned i = 0; i < 8; ++i)
      for (unsigned j = 0; j < i; ++j)
        std::swap(at[i][j], at[j][i]);
  }
};

} // namespace

static constexpr unsigned rowBytes = 16;

/// The row that a lane points to, or null if it must not be touched.
static char *rowOf(Gathering &all, unsigned lane, AccessKind kind) {
  Gathering::Lane &own = all.lanes[lane];
  auto *row = reinterpret_cast<char *>(own.in[0]);
  const Site &site = *all.site;
  if (own.in[0] % rowBytes) {
    own.thread->launch().found(
        FindingKind::Misaligned, *own.thread, site,
        "the row address 0x{:x} is not aligned to {} bytes", own.in[0],
        rowBytes);
    return nullptr;
  }
  Block &block = *own.thread->block;
  if (!checkShared(*own.thread, site, block, row, rowBytes, kind))
    return nullptr;
  return row;
}

/// The rows of one matrix are one pass over shared memory.
static void countPass(Gathering &all, unsigned matrix) {
  AccessGroup group;
  for (unsigned r = 0; r < 8; ++r)
    group.add(all.lanes[8 * matrix + r].in[0], rowBytes);
  group.countShared(all.lanes[0].thread->launch().counters());
}

static void load(Gathering &all, unsigned count, bool transposed) {
  for (unsigned m = 0; m < count; ++m) {
    Matrix matrix = {};
    for (unsigned r = 0; r < 8; ++r)
      if (char *row = rowOf(all, 8 * m + r, AccessKind::Load))
        std::memcpy(matrix.at[r], row, rowBytes);
    if (transposed)
      matrix.transpose();
    matrix.toRegisters(all, m);
    countPass(all, m);
  }
}

static void store(Gathering &all, unsigned count, bool transposed) {
  for (unsigned m = 0; m < count; ++m) {
    Matrix matrix;
    matrix.fromRegisters(all, 1 + m);
    if (transposed)
      matrix.transpose();
    for (unsigned r = 0; r < 8; ++r)
      if (char *row = rowOf(all, 8 * m + r, AccessKind::Store))
        std::memcpy(row, matrix.at[r], rowBytes);
    countPass(all, m);
  }
}

/// "xN.b16" or "xN.trans.b16", with what PTX puts between and LLVM behind.
static Operation makeMove(StringRef rest, bool stores) {
  unsigned count;
  if (!rest.consume_front("x") || rest.consumeInteger(10, count) ||
      (count != 1 && count != 2 && count != 4))
    return {};
  bool transposed = rest.consume_front(".trans");
  rest.consume_front(".shared");
  rest.consume_front("::cta");
  // An intrinsic's name ends in the address space of its pointer.
  if (rest != ".b16" && rest != ".b16.p3")
    return {};
  return
      [=](Thread &thread, const Site &site, const uint64_t *in, uint64_t *out) {
        gatherWarp(thread, site, ~0u, in, out, [&](Gathering &all) {
          Counters &counters = thread.launch().counters();
          ++(stores ? counters.stmatrix : counters.ldmatrix);
          stores ? store(all, count, transposed) : load(all, count, transposed);
        });
      };
}

static void transposeRegister(Thread &thread, const Site &site,
                              const uint64_t *in, uint64_t *out) {
  gatherWarp(thread, site, ~0u, in, out, [](Gathering &all) {
    Matrix matrix;
    matrix.fromRegisters(all, 0);
    matrix.transpose();
    matrix.toRegisters(all, 0);
  });
}

void addMatrixMoves(OperationTable &table) {
  auto loads = [](StringRef rest, ArrayRef<unsigned>) {
    return makeMove(rest, /*stores=*/false);
  };
  auto stores = [](StringRef rest, ArrayRef<unsigned>) {
    return makeMove(rest, /*stores=*/true);
  };
  table.intrinsics("ldmatrix.sync.aligned.m8n8.", loads);
  table.intrinsics("stmatrix.sync.aligned.m8n8.", stores);
  table.ptxFamily("ldmatrix.sync.aligned.m8n8.", PtxResult::First, loads);
  table.ptxFamily("stmatrix.sync.aligned.m8n8.", PtxResult::None, stores);
  table.ptx("movmatrix.sync.aligned.m8n8.trans.b16", PtxResult::First,
            transposeRegister);
}

} // namespace moec::emulator

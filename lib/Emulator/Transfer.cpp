//===- Transfer.cpp - The bytes of a bulk copy ----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Boxes of tensors in pieces of 16 bytes, swizzled.
//
//===----------------------------------------------------------------------===//

#include "Transfer.h"

#include <algorithm>
#include <cstring>

using namespace llvm;

namespace moec::emulator {

static uint32_t swizzled(uint32_t offset, Swizzle swizzle) {
  uint32_t mask = (1u << unsigned(swizzle)) - 1;
  return offset ^ ((offset >> 7 & mask) << 4);
}

Transfer boxTransfer(const TensorMap &map, ArrayRef<int32_t> coordinates,
                     uint32_t sharedOffset) {
  Transfer transfer{sharedOffset, uint32_t(map.boxBytes()), {}};
  uint32_t perPiece = pieceBytes / map.elementBytes;
  uint32_t perRow = map.box[0] / perPiece;
  for (uint32_t i = 0; i < transfer.bytes / pieceBytes; ++i) {
    int64_t x = coordinates[0] + int64_t(i % perRow) * perPiece;
    char *global = map.address + x * int64_t(map.elementBytes);
    bool inside = true;
    uint32_t row = i / perRow;
    for (unsigned d = 1; d < map.rank; ++d) {
      int64_t at = coordinates[d] + int64_t(row % map.box[d]);
      row /= map.box[d];
      inside &= at >= 0 && at < int64_t(map.sizes[d]);
      global += at * int64_t(map.strides[d]);
    }
    int64_t first = std::clamp<int64_t>(-x, 0, perPiece);
    int64_t last = std::clamp<int64_t>(map.sizes[0] - x, first, perPiece);
    Piece piece{swizzled(sharedOffset + i * pieceBytes, map.swizzle), nullptr,
                0, 0};
    if (inside && first < last)
      piece = {piece.sharedOffset, global, uint32_t(first) * map.elementBytes,
               uint32_t(last) * map.elementBytes};
    transfer.pieces.push_back(piece);
  }
  return transfer;
}

Transfer fourRowsTransfer(const TensorMap &map, ArrayRef<int32_t> coordinates,
                          uint32_t sharedOffset) {
  Transfer all{sharedOffset, 0, {}};
  for (int32_t row : coordinates.drop_front()) {
    Transfer one =
        boxTransfer(map, {coordinates.front(), row}, sharedOffset + all.bytes);
    all.bytes += one.bytes;
    all.pieces.insert(all.pieces.end(), one.pieces.begin(), one.pieces.end());
  }
  return all;
}

Transfer rangeTransfer(char *global, uint32_t sharedOffset, uint32_t bytes) {
  Transfer transfer{sharedOffset, bytes, {}};
  for (uint32_t at = 0; at < bytes; at += pieceBytes)
    transfer.pieces.push_back({sharedOffset + at, global + at, 0, pieceBytes});
  return transfer;
}

void moveIn(char *shared, const Transfer &transfer) {
  for (const Piece &piece : transfer.pieces) {
    char *to = shared + piece.sharedOffset;
    std::memset(to, 0, pieceBytes);
    if (piece.global)
      std::memcpy(to + piece.first, piece.global + piece.first,
                  piece.last - piece.first);
  }
}

void moveOut(const char *shared, const Transfer &transfer) {
  for (const Piece &piece : transfer.pieces)
    if (piece.global)
      std::memcpy(piece.global + piece.first,
                  shared + piece.sharedOffset + piece.first,
                  piece.last - piece.first);
}

} // namespace moec::emulator

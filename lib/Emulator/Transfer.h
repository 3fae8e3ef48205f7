//===- Transfer.h - The bytes of a bulk copy --------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which bytes of global memory a TMA copy puts where in shared memory.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_EMULATOR_TRANSFER_H
#define MOEC_LIB_EMULATOR_TRANSFER_H

#include "moec/Emulator/TensorMap.h"

#include <vector>

namespace moec::emulator {

constexpr uint32_t pieceBytes = 16;

/// 16 bytes or less of a copy: `sharedOffset` in the block's shared memory; in
/// global memory the bytes [first, last), of which null has none.
struct Piece {
  uint32_t sharedOffset;
  char *global;
  uint32_t first, last;
};

/// A whole copy.
struct Transfer {
  uint32_t sharedOffset = 0, bytes = 0;
  std::vector<Piece> pieces;
};

/// The pieces of a box at `coordinates`; what lies outside of the tensor has no
/// global memory.
Transfer boxTransfer(const TensorMap &map, llvm::ArrayRef<int32_t> coordinates,
                     uint32_t sharedOffset);

/// Four rows of a matrix whose box is a part of one row, one after the other:
/// `coordinates` are the column and the rows.
Transfer fourRowsTransfer(const TensorMap &map,
                          llvm::ArrayRef<int32_t> coordinates,
                          uint32_t sharedOffset);

/// `bytes` bytes, a multiple of 16, one after the other.
Transfer rangeTransfer(char *global, uint32_t sharedOffset, uint32_t bytes);

/// Moves the bytes to or from shared memory at `shared`; what has no global
/// memory becomes 0.
void moveIn(char *shared, const Transfer &transfer);
void moveOut(const char *shared, const Transfer &transfer);

} // namespace moec::emulator

#endif // MOEC_LIB_EMULATOR_TRANSFER_H

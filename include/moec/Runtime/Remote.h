//===- Remote.h - Running a bundle in another process -----------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What `moec` and `moec-runner` say to each other: records as they lie in
// memory, of machines whose integers are little-endian, over the runner's
// standard input and output.
//
//   moec     RemoteCall, then for each input and output a RemoteTensor and its
//            bytes
//   runner   RemoteResult, then the bytes of each output in order, or, if the
//            call failed, the message
//
// A runner that has opened its bundle begins with a RemoteResult too.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_RUNTIME_REMOTE_H
#define MOEC_RUNTIME_REMOTE_H

#include <cerrno>
#include <cstdint>
#include <sys/types.h>

namespace moec {

/// The arguments of moec_run.
struct RemoteCall {
  int32_t layer, inputs, outputs, padding;
  uint64_t flags;
};

/// A contiguous DLTensor; one that is NULL has `bytes` -1.
struct RemoteTensor {
  static constexpr int32_t maxRank = 4;

  int64_t bytes;
  int64_t shape[maxRank];
  int32_t rank;
  uint8_t code, bits;
  uint16_t lanes;
};

struct RemoteResult {
  /// A moec_status.
  int32_t status;
  /// Of the message.
  int32_t bytes;
};

/// Moves `size` bytes from or to `data` by calls of `move(where, rest)`, which
/// answers as read(2) and write(2) do. False if the other side is gone.
template <typename Byte, typename Move>
bool moveBytes(Byte *data, size_t size, Move move) {
  while (size > 0) {
    ssize_t count = move(data, size);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return false;
    data += count;
    size -= size_t(count);
  }
  return true;
}

} // namespace moec

#endif // MOEC_RUNTIME_REMOTE_H

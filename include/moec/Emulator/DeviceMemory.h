//===- DeviceMemory.h - Global memory of the emulated device ----*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The buffers a kernel may touch. A device address is a host address, so the
// host reads and writes buffers directly. Every access of a kernel is checked
// against them.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_EMULATOR_DEVICEMEMORY_H
#define MOEC_EMULATOR_DEVICEMEMORY_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace moec::emulator {

/// A range of global memory.
struct DeviceBuffer {
  char *data = nullptr;
  uint64_t bytes = 0;
  std::string name;
  bool readOnly = false;
  /// What allocate() made; null for memory that the caller owns.
  std::unique_ptr<char, void (*)(void *)> owned{nullptr, nullptr};
  /// Of each byte the block that stored it, counted from 1, in the launch
  /// under way; empty until the first store.
  std::vector<uint32_t> storedBy;
  /// Of each byte whether a launch stored it that may still run while the one
  /// under way does not wait for it; empty if there is none.
  std::vector<bool> unsettled;
};

/// The tracked buffers, by address. Not thread-safe.
class DeviceMemory {
public:
  /// A new buffer of `bytes` bytes, aligned to 256, filled with 0xFF (NaN in
  /// every float type); other buffers are at least 256 bytes away. Fails if the
  /// memory is not to be had. `name` is for reports.
  llvm::Expected<void *> allocate(uint64_t bytes, llvm::StringRef name = "");

  /// Lets kernels touch memory of the caller, which must outlive its use. Fails
  /// if it overlaps another buffer.
  llvm::Error track(void *data, uint64_t bytes, llvm::StringRef name = "",
                    bool readOnly = false);

  /// Frees or forgets the buffer that starts at `data`; fails if none does.
  llvm::Error release(void *data);

  /// The buffer that holds `address`, or null.
  DeviceBuffer *find(const void *address);

  /// The buffer nearest to `address` in words: "4 bytes after the end of 'x'
  /// (64 bytes)".
  std::string describe(const void *address) const;

  /// Forgets who stored what; a launch starts with it. If it `overlaps`, what
  /// the launch before stored is unsettled; what older ones did is too, if that
  /// let this one begin before it had waited.
  void beginLaunch(bool overlaps);
  /// Notes that a block of the launch under way lets the next begin.
  void letNextBegin(bool waited);

private:
  llvm::Error insert(DeviceBuffer buffer);

  std::map<uintptr_t, DeviceBuffer> buffers;
  DeviceBuffer *last = nullptr;
  /// Whether launches before the last may still run when the next begins.
  bool olderMayRun = false;
};

} // namespace moec::emulator

#endif // MOEC_EMULATOR_DEVICEMEMORY_H

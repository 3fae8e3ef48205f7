//===- SharedMemory.h - A block's shared memory, watched -------*- C++ -*--===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bytes of a block's shared memory and what is known about each: who wrote
// it and when, who read it since, whether an asynchronous operation has it.
// State is kept for 4 bytes at a time, for single bytes where a narrower access
// was seen.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_EMULATOR_SHAREDMEMORY_H
#define MOEC_LIB_EMULATOR_SHAREDMEMORY_H

#include "Site.h"
#include "VectorClock.h"

#include <memory>
#include <optional>
#include <unordered_map>

namespace moec::emulator {

/// The address space windows of the blocks that run side by side: below 4 GiB,
/// since kernels hold shared addresses in 32 bits, and aligned to their size,
/// since wgmma descriptors have 18 bits of an address.
class SharedWindows {
public:
  static constexpr uint64_t windowBytes = 256 << 10;

  SharedWindows() = default;
  SharedWindows(const SharedWindows &) = delete;
  SharedWindows &operator=(const SharedWindows &) = delete;
  ~SharedWindows();

  llvm::Error reserve(size_t count);
  char *window(size_t index) const { return base + index * windowBytes; }
  bool contains(const void *address) const {
    return address >= base && address < base + count * windowBytes;
  }
  /// Which window holds `address`.
  size_t indexOf(const void *address) const {
    return size_t(static_cast<const char *>(address) - base) / windowBytes;
  }

private:
  void *mapped = nullptr;
  size_t mappedBytes = 0, count = 0;
  char *base = nullptr;
};

/// Who accesses shared memory, and what they know.
struct Accessor {
  /// The agent's place in clocks, and the block's warp that reads are kept
  /// under.
  uint32_t agent, warp;
  const VectorClock &clock;
  const Site &site;
};

/// Something wrong with an access; see FindingKind.
struct AccessFault {
  enum Kind { Race, Uninitialized, InFlightWrite, InFlightRead, Proxy } kind;
  /// Byte offset in shared memory.
  uint32_t offset;
  /// The other side: its agent, its site, and whether it wrote.
  uint32_t agent;
  uint32_t site;
  bool otherWrote;
};

class SharedMemory {
public:
  static constexpr uint32_t noAgent = ~0u;

  /// `bytes` bytes at `data`, filled with 0xFF, never written so far, for
  /// `warps` warps.
  void reset(char *data, uint32_t bytes, unsigned warps);

  char *data() const { return base; }
  uint32_t size() const { return bytes; }

  /// An access to [offset, offset + n), which lies inside. The first thing
  /// wrong with it, if any.
  std::optional<AccessFault> read(const Accessor &by, uint32_t offset,
                                  uint32_t n);
  std::optional<AccessFault> write(const Accessor &by, uint32_t offset,
                                   uint32_t n, uint32_t proxyTime);
  std::optional<AccessFault> atomic(const Accessor &by, uint32_t offset,
                                    uint32_t n, uint32_t proxyTime);

  /// An asynchronous write starts and lands; nobody may touch the bytes in
  /// between. Landing writes as `by`; proxyTime is 0 in the async proxy.
  std::optional<AccessFault> beginWrite(const Accessor &by, uint32_t offset,
                                        uint32_t n);
  void landWrite(const Accessor &by, uint32_t offset, uint32_t n,
                 uint32_t proxyTime);

  /// A read through the async proxy starts and ends; nobody may write the bytes
  /// in between. `fenced` answers whether the proxy fences seen cover a generic
  /// write at a time by an agent.
  std::optional<AccessFault>
  beginRead(const Accessor &by, uint32_t offset, uint32_t n,
            llvm::function_ref<bool(uint32_t time, uint32_t agent)> fenced);
  /// `by` no longer reads; with `isLast` nobody does.
  void endRead(const Accessor &by, uint32_t offset, uint32_t n,
               bool isLast = true);

private:
  struct Cell {
    uint32_t writer = noAgent, writeTime = 0, writeSite = 0;
    /// When the generic proxy last wrote it; 0: never, or not since the async
    /// proxy did.
    uint32_t proxyTime = 0;
    uint16_t landing = 0, reading = 0;
    bool isAtomic = false, isSplit = false;
    /// The warps that have read it since the last write, a bit for each.
    uint64_t readBy = 0;
  };
  struct Reader {
    uint32_t agent, time, site;
  };

  template <typename Fn>
  void forEachCell(uint32_t offset, uint32_t n, Fn fn);
  uint32_t split(uint32_t word);
  std::optional<AccessFault> checkOrder(const Accessor &by, size_t cell,
                                        uint32_t offset, bool writes,
                                        bool isAtomic);
  std::optional<AccessFault> store(const Accessor &by, uint32_t offset,
                                   uint32_t n, uint32_t proxyTime,
                                   bool isAtomic);
  void noteRead(const Accessor &by, size_t index);
  /// The last reader of each warp; only those that the cell's readBy names.
  Reader *readersOf(size_t cell) {
    size_t words = (bytes + 3) / 4;
    return cell < words ? &readers[cell * warps]
                        : &splitReaders[(cell - words) * warps];
  }

  char *base = nullptr;
  uint32_t bytes = 0;
  unsigned warps = 0;
  /// One a word, then four for each split word.
  std::vector<Cell> cells;
  /// `warps` for each word, then for each split byte. Most are never touched,
  /// so the first are left as they come.
  std::unique_ptr<Reader[]> readers;
  std::vector<Reader> splitReaders;
  std::unordered_map<uint32_t, uint32_t> splitAt;
};

} // namespace moec::emulator

#endif // MOEC_LIB_EMULATOR_SHAREDMEMORY_H

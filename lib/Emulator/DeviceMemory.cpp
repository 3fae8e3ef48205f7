//===- DeviceMemory.cpp - Global memory of the emulated device ------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Buffers by address.
//
//===----------------------------------------------------------------------===//

#include "moec/Emulator/DeviceMemory.h"
#include "moec/Support/Error.h"

#include <cstdlib>
#include <cstring>

using namespace llvm;

namespace moec::emulator {

static uintptr_t addressOf(const void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

Expected<void *> DeviceMemory::allocate(uint64_t bytes, StringRef name) {
  constexpr uint64_t gap = 256;
  // A buffer of no bytes has an address too.
  uint64_t rounded = (std::max<uint64_t>(bytes, 1) + gap - 1) / gap * gap;
  char *memory = nullptr;
  if (rounded >= bytes)
    memory = static_cast<char *>(std::aligned_alloc(gap, rounded + gap));
  if (!memory)
    return inputError("no memory for buffer {} of {}", quote(name),
                      formatBytes(bytes));
  std::memset(memory, 0xFF, rounded + gap);
  DeviceBuffer buffer;
  buffer.data = memory;
  buffer.bytes = bytes;
  buffer.name = name;
  buffer.owned = {memory, std::free};
  if (Error error = insert(std::move(buffer)))
    return std::move(error);
  return memory;
}

Error DeviceMemory::track(void *data, uint64_t bytes, StringRef name,
                          bool readOnly) {
  DeviceBuffer buffer;
  buffer.data = static_cast<char *>(data);
  buffer.bytes = bytes;
  buffer.name = name;
  buffer.readOnly = readOnly;
  return insert(std::move(buffer));
}

Error DeviceMemory::insert(DeviceBuffer buffer) {
  uintptr_t start = addressOf(buffer.data);
  auto next = buffers.lower_bound(start);
  bool overlaps = next != buffers.end() &&
                  (next->first == start || next->first < start + buffer.bytes);
  if (next != buffers.begin()) {
    const DeviceBuffer &before = std::prev(next)->second;
    overlaps |= addressOf(before.data) + before.bytes > start;
  }
  if (overlaps)
    return inputError("buffer {} overlaps another one", quote(buffer.name));
  last = nullptr;
  buffers.emplace(start, std::move(buffer));
  return Error::success();
}

Error DeviceMemory::release(void *data) {
  last = nullptr;
  if (!buffers.erase(addressOf(data)))
    return inputError("no buffer starts at 0x{:x}", addressOf(data));
  return Error::success();
}

static bool holds(const DeviceBuffer &buffer, const void *address) {
  return address >= buffer.data && address < buffer.data + buffer.bytes;
}

DeviceBuffer *DeviceMemory::find(const void *address) {
  if (last && holds(*last, address))
    return last;
  auto after = buffers.upper_bound(addressOf(address));
  if (after == buffers.begin())
    return nullptr;
  DeviceBuffer &buffer = std::prev(after)->second;
  if (!holds(buffer, address))
    return nullptr;
  last = &buffer;
  return last;
}

std::string DeviceMemory::describe(const void *address) const {
  uintptr_t at = addressOf(address);
  auto after = buffers.upper_bound(at);
  const DeviceBuffer *below =
      after == buffers.begin() ? nullptr : &std::prev(after)->second;
  const DeviceBuffer *above = after == buffers.end() ? nullptr : &after->second;
  uintptr_t past = below ? at - addressOf(below->data) - below->bytes : ~0ull;
  uintptr_t before = above ? addressOf(above->data) - at : ~0ull;
  constexpr uintptr_t near = 1 << 20;
  if (std::min(past, before) > near)
    return fmt::format("at 0x{:x}, in no buffer", at);
  const DeviceBuffer &nearest = past <= before ? *below : *above;
  return fmt::format("{} bytes {} buffer {} ({} bytes)", std::min(past, before),
                     past <= before ? "after the end of" : "before",
                     quote(nearest.name), nearest.bytes);
}

void DeviceMemory::beginLaunch(bool overlaps) {
  for (auto &[start, buffer] : buffers) {
    if (!overlaps || !olderMayRun)
      buffer.unsettled.clear();
    if (overlaps && !buffer.storedBy.empty()) {
      buffer.unsettled.resize(buffer.bytes);
      for (uint64_t i = 0; i < buffer.bytes; ++i)
        if (buffer.storedBy[i])
          buffer.unsettled[i] = true;
    }
    buffer.storedBy.clear();
  }
  olderMayRun = false;
}

void DeviceMemory::letNextBegin(bool waited) { olderMayRun |= !waited; }

} // namespace moec::emulator

//===- EmulateArguments.h - A kernel's arguments as text --------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What --args of moec emulate names: numbers, buffers and tensor maps.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_EMULATEARGUMENTS_H
#define MOEC_LIB_DRIVER_EMULATEARGUMENTS_H

#include "moec/Emulator/DeviceMemory.h"

#include "llvm/ADT/ArrayRef.h"

namespace moec::driver {

/// One argument of the kernel: the bytes of its value, and its buffer if it has
/// one.
struct KernelArgument {
  std::string text;
  std::vector<char> value;
  void *buffer = nullptr;
  uint64_t bufferBytes = 0;
};

/// The arguments called `texts`, for parameters of `sizes` bytes each; buffers
/// are made in `memory`. Fails, naming it, on a text that is no argument or
/// does not fit its parameter.
llvm::Expected<std::vector<KernelArgument>>
makeKernelArguments(emulator::DeviceMemory &memory,
                    llvm::ArrayRef<std::string> texts,
                    llvm::ArrayRef<uint64_t> sizes);

/// The help of --args.
inline constexpr const char *argumentsHelp =
    "the kernel's arguments: i32:N, i64:N, f32:X, zeros:BYTES, empty:BYTES (a "
    "buffer that holds NaN), FILE.npy (a buffer with the array), or a tensor "
    "map, map:SOURCE:box=AxB, then :swizzle=32, 64 or 128, :type=T, :dims=AxB, "
    ":strides=BYTES if needed. SOURCE is FILE.npy, @N for the buffer of "
    "argument N before it, zeros or empty; dimensions are in the array's "
    "order, the last one contiguous";

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_EMULATEARGUMENTS_H

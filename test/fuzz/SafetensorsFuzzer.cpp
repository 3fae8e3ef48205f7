//===- SafetensorsFuzzer.cpp - hostile tensor files -------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The first byte of an input chooses the parser: the header of a safetensors
// file, the index of a checkpoint, or the header of a .npy file. What is
// accepted must keep its promises.
//
//===----------------------------------------------------------------------===//

#include "moec/Import/Safetensors/CheckpointIndex.h"
#include "moec/Import/Safetensors/SafetensorsFile.h"
#include "moec/Support/Npy.h"
#include "llvm/ADT/StringExtras.h"

#include <cstdlib>

using namespace llvm;
using namespace moec;

/// Ends the run with a report if a promise is broken.
static void check(bool holds) {
  if (!holds)
    abort();
}

/// Errors are what hostile input should give, but never empty ones.
static void checkMessage(Error error) {
  check(!toString(std::move(error)).empty());
}

/// `text` is a header; two bytes before it are the number of data bytes, so
/// that inputs with sizes that fit can be found.
static void fuzzHeader(ArrayRef<uint8_t> input) {
  if (input.size() < 2)
    return;
  uint64_t dataBytes = input[0] | input[1] << 8;
  Expected<SafetensorsHeader> header =
      parseSafetensorsHeader(toStringRef(input.drop_front(2)), dataBytes, "f");
  if (!header)
    return checkMessage(header.takeError());
  uint64_t sum = 0;
  for (const SafetensorsEntry &tensor : header->tensors) {
    check(tensor.begin <= tensor.end && tensor.end <= dataBytes);
    check(tensorBytes(tensor.shape, tensor.dtype) == tensor.bytes());
    sum += tensor.bytes();
  }
  check(sum == dataBytes);
}

static void fuzzIndex(ArrayRef<uint8_t> input) {
  Expected<CheckpointIndex> index =
      parseCheckpointIndex(toStringRef(input), "f");
  if (!index)
    return checkMessage(index.takeError());
  for (const auto &[tensor, file] : *index)
    check(!file.empty() && file.find('/') == file.npos && file[0] != '.');
}

static void fuzzNpy(ArrayRef<uint8_t> input) {
  Expected<NpyHeader> header = parseNpyHeader(
      input.take_front(std::min<size_t>(input.size(), maxNpyHeader)),
      input.size(), "f");
  if (!header)
    return checkMessage(header.takeError());
  check(header->dataOffset <= input.size());
  check(tensorBytes(header->shape, header->dtype) ==
        input.size() - header->dataOffset);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ArrayRef<uint8_t> input(data, size);
  if (input.empty())
    return 0;
  ArrayRef<uint8_t> rest = input.drop_front();
  switch (input.front()) {
  case 'h':
    fuzzHeader(rest);
    break;
  case 'i':
    fuzzIndex(rest);
    break;
  case 'n':
    fuzzNpy(rest);
    break;
  }
  return 0;
}

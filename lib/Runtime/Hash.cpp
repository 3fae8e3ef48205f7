//===- Hash.cpp - the hash of a bundle's files ----------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles xxHash in, so that the run time needs no further shared library.
//
//===----------------------------------------------------------------------===//

#include "moec/Runtime/Hash.h"

#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

namespace moec {

struct Xxh3::State {
  XXH3_state_t value;
};

Xxh3::Xxh3() : state(std::make_unique<State>()) {
  XXH3_64bits_reset(&state->value);
}

Xxh3::~Xxh3() = default;

void Xxh3::update(const void *data, size_t size) {
  XXH3_64bits_update(&state->value, data, size);
}

std::string Xxh3::hex() const {
  return fmt::format("{:016x}", XXH3_64bits_digest(&state->value));
}

std::string xxh3Hex(const void *data, size_t size) {
  return fmt::format("{:016x}", XXH3_64bits(data, size));
}

} // namespace moec

//===- Hash.h - the hash of a bundle's files --------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// XXH3 (64 bits, seed 0) as it stands in a manifest. It tells a damaged file
// from a whole one; it is no protection from an attacker.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_RUNTIME_HASH_H
#define MOEC_RUNTIME_HASH_H

#include <cstddef>
#include <memory>
#include <string>

namespace moec {

/// The hash of bytes that come in pieces, in order.
class Xxh3 {
public:
  Xxh3();
  ~Xxh3();

  void update(const void *data, size_t size);

  /// The hash of everything so far, 16 lower-case hexadecimal digits.
  std::string hex() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

/// The hash of `size` bytes.
std::string xxh3Hex(const void *data, size_t size);

} // namespace moec

#endif // MOEC_RUNTIME_HASH_H

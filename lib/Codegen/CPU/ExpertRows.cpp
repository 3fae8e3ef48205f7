//===- ExpertRows.cpp - Which rows are an expert's ------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpertRows.h"

namespace moec::cpu {

std::pair<Value, Value> ExpertRows::operator[](Value expert) const {
  if (!offsets)
    return {e.index(0), rows};
  auto offset = [&](Value at) {
    return e.toIndex(memref::LoadOp::create(e.b, offsets->memref,
                                            ValueRange{e.index(0), at}));
  };
  Value first = offset(expert);
  return {first, e.sub(offset(e.add(expert, e.index(1))), first)};
}

Value ExpertRows::activeFrom(Value expert) const {
  return e.loopWhile(
      expert,
      [&](ValueRange at) -> Value {
        // The rows of an expert past the last are not looked at.
        Value last = e.index(experts - 1);
        Value number = (*this)[arith::MinSIOp::create(e.b, at[0], last)].second;
        Value empty = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq,
                                            number, e.index(0));
        return arith::AndIOp::create(e.b, e.less(at[0], count()), empty);
      },
      [&](ValueRange at) -> SmallVector<Value> {
        return {e.add(at[0], e.index(1))};
      })[0];
}

Value ExpertRows::forActive(
    Value init, function_ref<Value(Value, Value, Value)> body) const {
  return e.loopWhile(
      SmallVector<Value>{activeFrom(e.index(0)), init},
      [&](ValueRange at) { return e.less(at[0], count()); },
      [&](ValueRange at) -> SmallVector<Value> {
        Value next = activeFrom(e.add(at[0], e.index(1)));
        return {next, body(at[0], next, at[1])};
      })[1];
}

} // namespace moec::cpu

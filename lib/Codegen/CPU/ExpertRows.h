//===- ExpertRows.h - Which rows are an expert's ----------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rows of a product, grouped by expert, and loops over the experts that
// have any.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_CPU_EXPERTROWS_H
#define MOEC_LIB_CODEGEN_CPU_EXPERTROWS_H

#include "KernelEmitter.h"

namespace moec::cpu {

class ExpertRows {
public:
  /// `experts` experts whose rows begin and end at `offsets`, in order; without
  /// offsets, one expert with all `rows` rows.
  ExpertRows(KernelEmitter &e, int64_t experts, std::optional<Buffer> offsets,
             Value rows)
      : e(e), experts(experts), offsets(offsets), rows(rows) {}

  /// The number of experts.
  Value count() const { return e.index(experts); }

  /// The first row of an expert, and how many it has.
  std::pair<Value, Value> operator[](Value expert) const;

  /// Visits the experts that have rows, in order. `body` gets the expert, the
  /// next one with rows (or count()) and the value carried along, and returns
  /// what is carried on; returns the last.
  Value forActive(
      Value init,
      function_ref<Value(Value expert, Value next, Value carried)> body) const;

private:
  /// The first expert from `expert` on that has rows, or count().
  Value activeFrom(Value expert) const;

  KernelEmitter &e;
  const int64_t experts;
  const std::optional<Buffer> offsets;
  const Value rows;
};

} // namespace moec::cpu

#endif // MOEC_LIB_CODEGEN_CPU_EXPERTROWS_H

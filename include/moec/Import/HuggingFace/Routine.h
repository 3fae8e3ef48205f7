//===- Routine.h - A typed program ------------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A router, expert or block program with types and shapes, configuration folded
// in and conditions decided: a list of operations in order, each value defined
// once. What it computes is independent of MLIR; emission turns it into the moe
// dialect.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_IMPORT_HUGGINGFACE_ROUTINE_H
#define MOEC_IMPORT_HUGGINGFACE_ROUTINE_H

#include "moec/Import/HuggingFace/Value.h"
#include "moec/Support/DType.h"
#include "llvm/ADT/SmallVector.h"
#include <map>

namespace moec::hf {

enum class Op {
  Input,    // attribute "name": x, token_ids, router_state, or a result of the
            // router where the block uses one
  Tensor,   // attribute "name"
  Constant, // attribute "value"
  // Element-wise; a scalar or a single element goes with a row.
  Add,
  Sub,
  Mul,
  Div,
  Min,
  Max,
  Neg,
  Abs,
  Exp,
  Log,
  Log1p,
  Sqrt,
  Tanh,
  Erf,
  Sigmoid,
  Silu,
  Compare, // "predicate": <, <=, >, >=, ==, !=
  Select,  // condition, value if true, value if false
  // On rows.
  Sum,
  Largest,
  Softmax,
  Normalize,  // "eps": x / (sum x + eps)
  GroupLimit, // "groups", "keep", "by", "fill"
  TopK,       // "k"
  Take,       // row, ids
  Exclude,    // row, ids; "fill"
  Concat,
  Slice,    // "begin", "end"
  OuterSum, // [a], [b] -> [a*b], row-major
  Linear,   // row, weight [N, K], optional bias [N]
  Lookup,   // table [V, K], token id -> ids
  Every,    // ids 0, 1, ..; "count"; the operand is the token's row
  // On all tokens.
  Halves,   // [T, 2n] read as [2, T, n]: token t gets rows [0, t] and [1, t]
  Experts,  // x, ids, weights; "program", "before"
  Identity, // x, ids, weights; "from"
  Capacity, // ids, weights -> ids, weights; "limit" or "fraction", "per",
            // "order", "experts"
};

llvm::StringRef opName(Op op);
bool isElementwise(Op op);

enum class ElementKind { Number, Id, Truth, TokenId };

/// The type of a value: of one token's row where `perToken`, of one expert's
/// part where `perExpert`, else the same for all. Scalars have no dimension.
struct RoutineType {
  ElementKind element = ElementKind::Number;
  Shape shape;
  bool perToken = false;
  bool perExpert = false;

  std::string str() const;
};

using ValueId = unsigned;

struct Operation {
  Op op;
  llvm::SMLoc loc;
  llvm::SmallVector<ValueId, 4> operands;
  std::map<std::string, Value, std::less<>> attributes;
  llvm::SmallVector<ValueId, 2> results;

  /// An attribute that operations of this kind have.
  const Value &attribute(llvm::StringRef name) const {
    return attributes.find(name)->second;
  }
};

/// A program of one layer.
struct Routine {
  std::string name;
  std::vector<RoutineType> types; // of each value
  std::vector<Operation> operations;
  /// What the program's names stand for at its end.
  std::map<std::string, ValueId, std::less<>> results;

  /// The text of the routine, an operation a line.
  std::string str() const;
};

} // namespace moec::hf

#endif // MOEC_IMPORT_HUGGINGFACE_ROUTINE_H

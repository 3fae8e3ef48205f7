//===- Ast.h - Syntax of the language in family descriptions ----*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One small expression language serves dimensions, conditions, tensor
// declarations and the router, expert and block programs. This is its syntax
// tree; docs/families.md is its manual.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_IMPORT_HUGGINGFACE_AST_H
#define MOEC_IMPORT_HUGGINGFACE_AST_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/SMLoc.h"
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace moec::hf {

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

struct Expr {
  enum class Kind {
    Null,
    Bool,
    Int,
    Float,
    String,
    List,        // [a, b]
    Name,        // K, n_group, ffn_config.moe_top_k
    Unary,       // -a, not a
    Binary,      // a + b, a and b, a in b, ...
    Conditional, // operands: value, condition, other
    Call,        // top_k(c, K), normalize(w, eps: 1e-20)
    Index,       // limits[n]
    Slice        // z[0:E]
  };
  /// An argument of a call; `name` is empty for a positional one.
  struct Argument {
    std::string name;
    ExprPtr value;
  };

  Kind kind = Kind::Null;
  llvm::SMLoc loc;
  bool boolean = false;
  int64_t integer = 0;
  double number = 0;
  /// The name, the string, the operator or the called function.
  std::string text;
  std::vector<ExprPtr> operands;
  std::vector<Argument> arguments;
};

/// Writes an expression as it would be typed.
std::string toString(const Expr &expr);

/// `ids, w = value if guard`.
struct Statement {
  llvm::SMLoc loc;
  std::vector<std::string> targets;
  ExprPtr value;
  ExprPtr guard; // null: always
};
using StatementList = std::vector<Statement>;

/// How the numbers of a tensor lie in its file tensors.
enum class StorageForm { Plain, Mxfp4 };

/// `w1[e: E, i: I, h: H] = "gate_up"[e, 2*i, h] of [E, 2*I, H] if guard`.
struct TensorDeclaration {
  struct Index {
    std::string name;
    ExprPtr size;
  };
  llvm::SMLoc loc;
  std::string name;
  std::vector<Index> indices;
  StorageForm form = StorageForm::Plain;
  std::vector<std::string> sources;
  bool hasSubscript = false;
  std::vector<ExprPtr> subscript;
  bool hasFileShape = false;
  std::vector<ExprPtr> fileShape;
  ExprPtr guard; // null: always
};

} // namespace moec::hf

#endif // MOEC_IMPORT_HUGGINGFACE_AST_H

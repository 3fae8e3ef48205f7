//===- RoutineBuilder.h - From statements to a routine ----------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Partial evaluation of a program: what depends on the configuration only is
// computed, conditions are decided, the rest becomes typed operations. The
// functions of the language are in Builtins.cpp and BlockBuiltins.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_IMPORT_HUGGINGFACE_ROUTINEBUILDER_H
#define MOEC_LIB_IMPORT_HUGGINGFACE_ROUTINEBUILDER_H

#include "moec/Import/HuggingFace/Family.h"
#include "moec/Import/HuggingFace/Routine.h"
#include "moec/Support/Error.h"
#include <functional>

namespace moec::hf {

/// What an expression comes to: a constant or a value of the routine.
using Operand = std::variant<Value, ValueId>;
using OperandResult = llvm::Expected<Operand>;
using ValueResult = llvm::Expected<ValueId>;

/// What the programs of one layer have in common.
struct LayerScope {
  const Sources &sources;
  const Family &family;
  std::string configPath;
  /// Keys, definitions, dimensions and n.
  std::map<std::string, Value, std::less<>> constants;
  /// Declared tensors that are there with this configuration.
  std::map<std::string, RoutineType, std::less<>> tensors;
  /// Tensors whose condition is false, with that condition.
  std::map<std::string, std::string, std::less<>> absentTensors;
  /// The type of what the named expert program makes of a row of type `x`.
  std::function<llvm::Expected<RoutineType>(
      llvm::StringRef program, const RoutineType &x, llvm::SMLoc loc)>
      expertType;

  std::optional<Value> lookup(llvm::StringRef name) const;
  /// The value of an expression over the scope's constants.
  llvm::Expected<Value> evaluate(const Expr &expr) const;
  /// The text that a user would look for in config.json: the expression of a
  /// dimension in place of its letter.
  std::string nameForUser(const Expr &expr) const;
  /// "config.json: MESSAGE (family.yaml:3:5)".
  llvm::Error blameConfig(llvm::SMLoc at, const std::string &message) const;
};

class RoutineBuilder {
public:
  RoutineBuilder(const LayerScope &scope, llvm::StringRef name,
                 bool expertProgram)
      : scope(scope), expertProgram(expertProgram) {
    routine.name = name.str();
  }

  /// An input that the program can use under `name`.
  ValueId addInput(llvm::StringRef name, RoutineType type);

  /// The input x.
  ValueId tokenRow() const { return row; }

  /// Runs the statements; afterwards take() has the routine.
  llvm::Error run(const StatementList &statements);
  Routine take() { return std::move(routine); }

  // What builtins are made of.
  const LayerScope &context() const { return scope; }
  OperandResult lower(const Expr &expr);
  /// Lowers to a value; a constant number becomes a scalar.
  ValueResult lowerValue(const Expr &expr);
  /// Evaluates to a constant; fails if the expression has none.
  llvm::Expected<Value> lowerConstant(const Expr &expr);
  const RoutineType &type(ValueId value) const { return routine.types[value]; }
  /// The operation that makes a value; valid until the next add().
  const Operation *definition(ValueId value) const;
  Operation &add(Op op, llvm::SMLoc loc, llvm::ArrayRef<ValueId> operands,
                 llvm::ArrayRef<RoutineType> types);
  ValueId constant(double value, llvm::SMLoc loc);
  /// Makes a constant that stands beside ids, or token ids, one of them.
  void makeConstantLike(ValueId value, ValueId other);
  /// An element-wise operation; fails if the shapes do not go together.
  ValueResult elementwise(Op op, const Expr &at,
                          llvm::ArrayRef<ValueId> operands);
  llvm::Error error(const Expr &at, const llvm::Twine &message) const {
    return scope.sources.error(at.loc, message);
  }

private:
  OperandResult lowerName(const Expr &expr);
  OperandResult lowerBinary(const Expr &expr);
  OperandResult lowerSubscript(const Expr &expr);
  OperandResult lowerCall(const Expr &expr);
  llvm::Error runStatement(const Statement &statement);

  const LayerScope &scope;
  bool expertProgram;
  Routine routine;
  std::vector<size_t> madeBy; // of each value, its operation
  ValueId row = 0;
  std::map<std::string, Operand, std::less<>> names;
  std::map<std::string, ValueId, std::less<>> tensorValues;
};

/// The value or values of a call of one of the language's functions.
llvm::Expected<llvm::SmallVector<Operand, 2>>
lowerBuiltin(RoutineBuilder &builder, const Expr &call);

} // namespace moec::hf

#endif // MOEC_LIB_IMPORT_HUGGINGFACE_ROUTINEBUILDER_H

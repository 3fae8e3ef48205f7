//===- CallArguments.h - Arguments of a function of the language -*- C++
//-*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Takes the arguments of a call apart: positional rows and weights, named
// constants and words, each with the error a reader of the description needs.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_IMPORT_HUGGINGFACE_CALLARGUMENTS_H
#define MOEC_LIB_IMPORT_HUGGINGFACE_CALLARGUMENTS_H

#include "RoutineBuilder.h"

namespace moec::hf {

using BuiltinResult = llvm::Expected<llvm::SmallVector<Operand, 2>>;

class CallArguments {
public:
  /// Fails for names that are not among `named`, and for a number of positional
  /// arguments outside [least, most].
  static llvm::Expected<CallArguments>
  match(RoutineBuilder &builder, const Expr &call, size_t least, size_t most,
        llvm::ArrayRef<llvm::StringRef> named);

  size_t size() const { return positional.size(); }
  const Expr &at(size_t i) const { return *positional[i]; }
  /// The argument called `name`; null if it is not given.
  const Expr *named(llvm::StringRef name) const;

  /// A positional argument as numbers of any shape.
  ValueResult value(size_t i) const;
  /// A positional argument as numbers of rank 1.
  ValueResult row(size_t i) const;
  /// A positional argument as expert ids.
  ValueResult ids(size_t i) const;
  /// A named constant, or `otherwise` if it is not given.
  llvm::Expected<double> number(llvm::StringRef name, double otherwise) const;
  llvm::Expected<int64_t> integer(llvm::StringRef name) const;
  /// A named word, one of `choices`, the first if it is not given.
  llvm::Expected<std::string>
  word(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> choices) const;

  RoutineBuilder &builder;
  const Expr &call;

private:
  CallArguments(RoutineBuilder &builder, const Expr &call)
      : builder(builder), call(call) {}
  std::vector<const Expr *> positional;
};

/// The functions that work on all tokens: experts, identity, capacity.
BuiltinResult lowerExperts(RoutineBuilder &builder, const Expr &call);
BuiltinResult lowerIdentity(RoutineBuilder &builder, const Expr &call);
BuiltinResult lowerCapacity(RoutineBuilder &builder, const Expr &call);

/// The functions that choose among scores: top_k, group_limit, take, ...
BuiltinResult lowerTopK(RoutineBuilder &builder, const Expr &call);
BuiltinResult lowerGroupLimit(RoutineBuilder &builder, const Expr &call);
BuiltinResult lowerTake(RoutineBuilder &builder, const Expr &call);
BuiltinResult lowerExclude(RoutineBuilder &builder, const Expr &call);
BuiltinResult lowerOuterSum(RoutineBuilder &builder, const Expr &call);
BuiltinResult lowerLookup(RoutineBuilder &builder, const Expr &call);
BuiltinResult lowerEvery(RoutineBuilder &builder, const Expr &call);
BuiltinResult lowerHalves(RoutineBuilder &builder, const Expr &call);
BuiltinResult lowerConcat(RoutineBuilder &builder, const Expr &call);

/// An activation by the name config.json knows it by.
ValueResult lowerActivation(RoutineBuilder &builder, llvm::StringRef name,
                            const Expr &at, ValueId x);

} // namespace moec::hf

#endif // MOEC_LIB_IMPORT_HUGGINGFACE_CALLARGUMENTS_H

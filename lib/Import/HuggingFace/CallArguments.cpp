//===- CallArguments.cpp - Arguments of a function of the language -*- C++
//-*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matching and checking of arguments.
//
//===----------------------------------------------------------------------===//

#include "CallArguments.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"

namespace moec::hf {

llvm::Expected<CallArguments>
CallArguments::match(RoutineBuilder &builder, const Expr &call, size_t least,
                     size_t most, llvm::ArrayRef<llvm::StringRef> named) {
  CallArguments result(builder, call);
  for (const Expr::Argument &argument : call.arguments) {
    if (argument.name.empty())
      result.positional.push_back(argument.value.get());
    else if (!llvm::is_contained(named, argument.name))
      return builder.error(
          *argument.value,
          "'" + llvm::Twine(call.text) + "' has no argument '" + argument.name +
              "'" +
              (named.empty() ? "" : ", it has " + llvm::join(named, ", ")));
  }
  size_t count = result.positional.size();
  if (count < least || count > most)
    return builder.error(
        call,
        "'" + llvm::Twine(call.text) + "' takes " +
            (least == most
                 ? llvm::Twine(least).str()
                 : (llvm::Twine(least) + " to " + llvm::Twine(most)).str()) +
            " arguments without a name, here are " + llvm::Twine(count));
  return result;
}

const Expr *CallArguments::named(llvm::StringRef name) const {
  for (const Expr::Argument &argument : call.arguments)
    if (argument.name == name)
      return argument.value.get();
  return nullptr;
}

ValueResult CallArguments::value(size_t i) const {
  ValueResult value = builder.lowerValue(at(i));
  if (value && builder.type(*value).element != ElementKind::Number)
    return builder.error(at(i), "expected numbers, found " +
                                    builder.type(*value).str());
  return value;
}

ValueResult CallArguments::row(size_t i) const {
  ValueResult row = value(i);
  if (row && builder.type(*row).shape.size() != 1)
    return builder.error(at(i), "expected a row of numbers, found " +
                                    builder.type(*row).str());
  return row;
}

ValueResult CallArguments::ids(size_t i) const {
  ValueResult ids = builder.lowerValue(at(i));
  if (ids && (builder.type(*ids).element != ElementKind::Id ||
              builder.type(*ids).shape.size() != 1))
    return builder.error(at(i), "expected a row of expert ids, found " +
                                    builder.type(*ids).str());
  return ids;
}

llvm::Expected<double> CallArguments::number(llvm::StringRef name,
                                             double otherwise) const {
  const Expr *expr = named(name);
  if (!expr)
    return otherwise;
  llvm::Expected<Value> value = builder.lowerConstant(*expr);
  if (!value)
    return value.takeError();
  if (!value->isNumber())
    return builder.context().blameConfig(
        expr->loc,
        fmt::format("{} is {}, expected a number",
                    builder.context().nameForUser(*expr), value->str()));
  return value->number();
}

llvm::Expected<int64_t> CallArguments::integer(llvm::StringRef name) const {
  const Expr *expr = named(name);
  if (!expr)
    return builder.error(call, "'" + llvm::Twine(call.text) +
                                   "' needs the argument '" + name + "'");
  llvm::Expected<Value> value = builder.lowerConstant(*expr);
  if (!value)
    return value.takeError();
  if (!value->isInt())
    return builder.context().blameConfig(
        expr->loc,
        fmt::format("{} is {}, expected an integer",
                    builder.context().nameForUser(*expr), value->str()));
  return value->integer();
}

llvm::Expected<std::string>
CallArguments::word(llvm::StringRef name,
                    llvm::ArrayRef<llvm::StringRef> choices) const {
  const Expr *expr = named(name);
  if (!expr)
    return choices.front().str();
  if (expr->kind != Expr::Kind::Name ||
      !llvm::is_contained(choices, expr->text))
    return builder.error(*expr, "'" + name + "' is one of " +
                                    llvm::join(choices, ", "));
  return expr->text;
}

} // namespace moec::hf

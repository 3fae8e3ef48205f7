//===- RoutineBuilder.cpp - From statements to a routine --------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Statements, names, operators and broadcasting.
//
//===----------------------------------------------------------------------===//

#include "RoutineBuilder.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include <cmath>

namespace moec::hf {

std::optional<Value> LayerScope::lookup(llvm::StringRef name) const {
  auto it = constants.find(name);
  if (it == constants.end())
    return std::nullopt;
  return it->second;
}

llvm::Expected<Value> LayerScope::evaluate(const Expr &expr) const {
  return hf::evaluate(sources, expr,
                      [this](llvm::StringRef name) { return lookup(name); });
}

std::string LayerScope::nameForUser(const Expr &expr) const {
  if (expr.kind == Expr::Kind::Name)
    for (const NamedExpr &dim : family.dims)
      if (dim.name == expr.text)
        return toString(*dim.value);
  return toString(expr);
}

llvm::Error LayerScope::blameConfig(llvm::SMLoc at,
                                    const std::string &message) const {
  return inputError("{}: {} ({})", configPath, message, sources.place(at));
}

ValueId RoutineBuilder::addInput(llvm::StringRef name, RoutineType type) {
  Operation &input = add(Op::Input, llvm::SMLoc(), {}, {std::move(type)});
  input.attributes["name"] = Value(name.str());
  names[name.str()] = input.results[0];
  if (name == "x")
    row = input.results[0];
  return input.results[0];
}

Operation &RoutineBuilder::add(Op op, llvm::SMLoc loc,
                               llvm::ArrayRef<ValueId> operands,
                               llvm::ArrayRef<RoutineType> types) {
  Operation operation;
  operation.op = op;
  operation.loc = loc;
  operation.operands.assign(operands.begin(), operands.end());
  for (const RoutineType &type : types) {
    operation.results.push_back(routine.types.size());
    routine.types.push_back(type);
    madeBy.push_back(routine.operations.size());
  }
  routine.operations.push_back(std::move(operation));
  return routine.operations.back();
}

ValueId RoutineBuilder::constant(double value, llvm::SMLoc loc) {
  Operation &operation = add(Op::Constant, loc, {}, {RoutineType()});
  operation.attributes["value"] = Value(value);
  return operation.results[0];
}

void RoutineBuilder::makeConstantLike(ValueId value, ValueId other) {
  const Operation *made = definition(value);
  ElementKind kind = type(other).element;
  bool isWhole = kind == ElementKind::Id || kind == ElementKind::TokenId;
  if (isWhole && made->op == Op::Constant &&
      made->attribute("value").number() ==
          std::floor(made->attribute("value").number()))
    routine.types[value].element = kind;
}

const Operation *RoutineBuilder::definition(ValueId value) const {
  return &routine.operations[madeBy[value]];
}

llvm::Error RoutineBuilder::run(const StatementList &statements) {
  for (const Statement &statement : statements)
    if (llvm::Error error = runStatement(statement))
      return error;
  for (const auto &[name, operand] : names)
    if (const ValueId *value = std::get_if<ValueId>(&operand))
      routine.results[name] = *value;
  return llvm::Error::success();
}

llvm::Error RoutineBuilder::runStatement(const Statement &statement) {
  if (statement.guard) {
    llvm::Expected<Value> condition = lowerConstant(*statement.guard);
    if (!condition)
      return condition.takeError();
    if (!condition->truth())
      return llvm::Error::success();
  }
  for (const std::string &target : statement.targets)
    if (scope.constants.count(target) || scope.tensors.count(target))
      return scope.sources.error(statement.loc,
                                 "'" + llvm::Twine(target) +
                                     "' is already a key, a dimension or a "
                                     "tensor");
  if (statement.value->kind == Expr::Kind::Call &&
      !isConstantFunction(statement.value->text)) {
    auto results = lowerBuiltin(*this, *statement.value);
    if (!results)
      return results.takeError();
    if (results->size() != statement.targets.size())
      return scope.sources.error(
          statement.loc, "'" + llvm::Twine(statement.value->text) + "' gives " +
                             llvm::Twine(results->size()) +
                             " values, here are " +
                             llvm::Twine(statement.targets.size()) + " names");
    for (auto [target, result] : llvm::zip(statement.targets, *results))
      names[target] = result;
    return llvm::Error::success();
  }
  if (statement.targets.size() != 1)
    return scope.sources.error(statement.loc,
                               "only a function gives several values");
  OperandResult value = lower(*statement.value);
  if (!value)
    return value.takeError();
  names[statement.targets[0]] = *value;
  return llvm::Error::success();
}

OperandResult RoutineBuilder::lower(const Expr &expr) {
  switch (expr.kind) {
  case Expr::Kind::Name:
    return lowerName(expr);
  case Expr::Kind::Unary: {
    OperandResult operand = lower(*expr.operands[0]);
    if (!operand)
      return operand;
    if (const Value *value = std::get_if<Value>(&*operand)) {
      llvm::Expected<Value> folded = evaluateUnary(scope.sources, expr, *value);
      if (!folded)
        return folded.takeError();
      return Operand(*folded);
    }
    if (expr.text != "-")
      return error(expr, "'not' is decided at import, and this is not");
    ValueResult negated =
        elementwise(Op::Neg, expr, {std::get<ValueId>(*operand)});
    if (!negated)
      return negated.takeError();
    return Operand(*negated);
  }
  case Expr::Kind::Binary:
    return lowerBinary(expr);
  case Expr::Kind::Conditional: {
    llvm::Expected<Value> condition = lowerConstant(*expr.operands[1]);
    if (!condition)
      return condition.takeError();
    return lower(*expr.operands[condition->truth() ? 0 : 2]);
  }
  case Expr::Kind::Index:
  case Expr::Kind::Slice:
    return lowerSubscript(expr);
  case Expr::Kind::Call:
    return lowerCall(expr);
  default: {
    llvm::Expected<Value> value = scope.evaluate(expr);
    if (!value)
      return value.takeError();
    return Operand(*value);
  }
  }
}

OperandResult RoutineBuilder::lowerName(const Expr &expr) {
  if (auto it = names.find(expr.text); it != names.end())
    return it->second;
  if (auto it = tensorValues.find(expr.text); it != tensorValues.end())
    return Operand(it->second);
  if (auto it = scope.tensors.find(expr.text); it != scope.tensors.end()) {
    RoutineType type = it->second;
    if (!expertProgram && type.perExpert)
      type.perExpert = false;
    else if (type.perExpert)
      type.shape.erase(type.shape.begin());
    Operation &tensor = add(Op::Tensor, expr.loc, {}, {type});
    tensor.attributes["name"] = Value(expr.text);
    tensorValues[expr.text] = tensor.results[0];
    return Operand(tensor.results[0]);
  }
  if (std::optional<Value> value = scope.lookup(expr.text))
    return Operand(*value);
  if (auto it = scope.absentTensors.find(expr.text);
      it != scope.absentTensors.end())
    return error(expr, "tensor '" + llvm::Twine(expr.text) +
                           "' is used, but with this configuration its "
                           "condition '" +
                           it->second + "' is false");
  return error(expr, "'" + llvm::Twine(expr.text) +
                         "' is no tensor, key or dimension and has not been "
                         "given a value before");
}

llvm::Expected<Value> RoutineBuilder::lowerConstant(const Expr &expr) {
  OperandResult operand = lower(expr);
  if (!operand)
    return operand.takeError();
  if (const Value *value = std::get_if<Value>(&*operand))
    return *value;
  return error(expr, "this must be known at import, but depends on the tokens "
                     "or the weights");
}

ValueResult RoutineBuilder::lowerValue(const Expr &expr) {
  OperandResult operand = lower(expr);
  if (!operand)
    return operand.takeError();
  if (const ValueId *value = std::get_if<ValueId>(&*operand))
    return *value;
  const Value &value = std::get<Value>(*operand);
  if (!value.isNumber())
    return error(expr, "expected numbers, found " + value.str());
  return constant(value.number(), expr.loc);
}

OperandResult RoutineBuilder::lowerCall(const Expr &expr) {
  if (isConstantFunction(expr.text)) {
    // min and max exist for constants and for rows.
    std::vector<Value> constants;
    for (const Expr::Argument &argument : expr.arguments) {
      OperandResult operand = lower(*argument.value);
      if (!operand)
        return operand;
      if (const Value *value = std::get_if<Value>(&*operand))
        constants.push_back(*value);
    }
    if (constants.size() == expr.arguments.size()) {
      llvm::Expected<Value> value =
          evaluateFunction(scope.sources, expr, constants);
      if (!value)
        return value.takeError();
      return Operand(*value);
    }
  }
  auto results = lowerBuiltin(*this, expr);
  if (!results)
    return results.takeError();
  if (results->size() != 1)
    return error(expr, "'" + llvm::Twine(expr.text) +
                           "' gives several values; it stands alone on its "
                           "line");
  return (*results)[0];
}

} // namespace moec::hf

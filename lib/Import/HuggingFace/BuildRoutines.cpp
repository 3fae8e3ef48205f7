//===- BuildRoutines.cpp - The programs of a layer --------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the router, the block and the experts they call through the routine
// builder and reads off what a layer is: choices, experts, width, inputs.
//
//===----------------------------------------------------------------------===//

#include "Resolver.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

namespace moec::hf {
namespace {

/// Inputs of one whole number a token. A text has no token types: all are 0.
constexpr llvm::StringLiteral tokenIds = "token_ids";
constexpr llvm::StringLiteral tokenTypes = "token_types";

/// Drops operations whose results nobody uses, and results but `wanted`.
void keepOnly(Routine &routine, llvm::ArrayRef<std::string> wanted) {
  std::vector<bool> used(routine.types.size(), false);
  for (auto it = routine.results.begin(); it != routine.results.end();) {
    if (llvm::is_contained(wanted, it->first)) {
      used[it->second] = true;
      ++it;
    } else {
      it = routine.results.erase(it);
    }
  }
  for (Operation &operation : llvm::reverse(routine.operations))
    if (llvm::any_of(operation.results, [&](ValueId id) { return used[id]; }))
      for (ValueId operand : operation.operands)
        used[operand] = true;
  llvm::erase_if(routine.operations, [&](const Operation &operation) {
    return llvm::none_of(operation.results,
                         [&](ValueId id) { return used[id]; });
  });
}

class LayerBuilder {
public:
  LayerBuilder(LayerScope &scope, ResolvedLayer &layer)
      : scope(scope), layer(layer) {}

  llvm::Error run();

private:
  llvm::Expected<RoutineType>
  buildExpert(llvm::StringRef name, const RoutineType &x, llvm::SMLoc loc);
  llvm::Error buildRouter();
  llvm::Error buildBlock();
  llvm::Error addInputs(RoutineBuilder &builder);
  bool isInput(const Operation &operation) const;
  llvm::Error checkResult(const Program &program, const Routine &routine,
                          llvm::StringRef name, ElementKind kind);
  llvm::Error findOutputs();
  llvm::Error describeLayer();

  LayerScope &scope;
  ResolvedLayer &layer;
  RoutineType token;
  std::vector<LayerInput> inputs;
  std::vector<std::string> routerNames; // that the block uses
};

int64_t findDim(const ResolvedLayer &layer, llvm::StringRef name) {
  for (const auto &[dim, size] : layer.dims)
    if (dim == name)
      return size;
  return 0;
}

/// Whether an input operation is the layer's, and not a value of the router.
bool LayerBuilder::isInput(const Operation &operation) const {
  const std::string &name = operation.attribute("name").string();
  return name == "x" || llvm::any_of(inputs, [&](const LayerInput &input) {
           return input.name == name;
         });
}

llvm::Error LayerBuilder::addInputs(RoutineBuilder &builder) {
  builder.addInput("x", token);
  for (const LayerInput &input : inputs)
    builder.addInput(input.name, input.type);
  return llvm::Error::success();
}

llvm::Error LayerBuilder::checkResult(const Program &program,
                                      const Routine &routine,
                                      llvm::StringRef name, ElementKind kind) {
  auto it = routine.results.find(name);
  if (it == routine.results.end())
    return scope.sources.error(program.loc,
                               "the program gives no value to '" + name + "'");
  const RoutineType &type = routine.types[it->second];
  if (type.shape.size() != 1 || type.element != kind)
    return scope.sources.error(
        program.loc, "'" + name + "' is " + type.str() +
                         ", expected a row of " +
                         (kind == ElementKind::Id ? "expert ids" : "numbers"));
  return llvm::Error::success();
}

llvm::Expected<RoutineType> LayerBuilder::buildExpert(llvm::StringRef name,
                                                      const RoutineType &x,
                                                      llvm::SMLoc loc) {
  if (layer.expertPrograms.count(name.str()))
    return scope.sources.error(loc,
                               "'" + name + "' is run twice in this block");
  auto program = llvm::find_if(
      scope.family.experts, [&](const Program &p) { return p.name == name; });
  if (program == scope.family.experts.end())
    return scope.sources.error(loc, "there is no program '" + name + "'");
  RoutineBuilder builder(scope, name, /*expertProgram=*/true);
  builder.addInput("x", x);
  if (llvm::Error error = builder.run(program->statements))
    return std::move(error);
  Routine routine = builder.take();
  if (llvm::Error error =
          checkResult(*program, routine, "y", ElementKind::Number))
    return std::move(error);
  keepOnly(routine, {"y"});
  RoutineType result = routine.types[routine.results.find("y")->second];
  if (!result.perExpert)
    return scope.sources.error(program->loc,
                               "no tensor with an index 'e' in front is used: "
                               "all experts would be equal");
  layer.expertPrograms.emplace(name.str(), std::move(routine));
  return result;
}

llvm::Error LayerBuilder::buildRouter() {
  RoutineBuilder builder(scope, "router", /*expertProgram=*/false);
  if (llvm::Error error = addInputs(builder))
    return error;
  const Program &program = scope.family.router;
  if (llvm::Error error = builder.run(program.statements))
    return error;
  layer.router = builder.take();
  for (auto [name, kind] :
       {std::pair("ids", ElementKind::Id), std::pair("w", ElementKind::Number),
        std::pair("z", ElementKind::Number)})
    if (llvm::Error error = checkResult(program, layer.router, name, kind))
      return error;
  for (const Operation &operation : layer.router.operations)
    if (operation.op >= Op::Experts)
      return scope.sources.error(operation.loc,
                                 "a router sees one token; this belongs to the "
                                 "section 'block'");
  return llvm::Error::success();
}

llvm::Error LayerBuilder::buildBlock() {
  const Program &program = scope.family.block;
  StatementList statements = program.statements;
  if (statements.empty()) {
    auto call = std::make_shared<Expr>();
    call->kind = Expr::Kind::Call;
    call->loc = scope.family.loc;
    call->text = "experts";
    for (llvm::StringRef name : {"x", "ids", "w"}) {
      auto argument = std::make_shared<Expr>();
      argument->kind = Expr::Kind::Name;
      argument->loc = scope.family.loc;
      argument->text = name.str();
      call->arguments.push_back({"", argument});
    }
    statements.push_back({scope.family.loc, {"y"}, call, nullptr});
  }
  RoutineBuilder builder(scope, "block", /*expertProgram=*/false);
  if (llvm::Error error = addInputs(builder))
    return error;
  // The block goes on with whatever the router has named.
  for (const auto &[name, id] : layer.router.results)
    if (name != "x" &&
        llvm::none_of(inputs, [&, n = name](const LayerInput &input) {
          return input.name == n;
        }))
      builder.addInput(name, layer.router.types[id]);
  if (llvm::Error error = builder.run(statements))
    return error;
  layer.block = builder.take();
  if (llvm::Error error =
          checkResult(program, layer.block, "y", ElementKind::Number))
    return error;
  keepOnly(layer.block, {"y", "ids", "w"});
  for (const Operation &operation : layer.block.operations)
    if (operation.op == Op::Input && !isInput(operation))
      routerNames.push_back(operation.attribute("name").string());
  const RoutineType &y =
      layer.block.types[layer.block.results.find("y")->second];
  if (y.shape != token.shape)
    return scope.sources.error(
        program.loc.isValid() ? program.loc : scope.family.loc,
        "the block makes a row " + y.str() + " of a row " + token.str());
  return llvm::Error::success();
}

llvm::Error LayerBuilder::findOutputs() {
  for (const NamedExpr &output : scope.family.outputs) {
    const std::string &name = output.value->text;
    if (output.value->kind != Expr::Kind::Name ||
        !layer.router.results.count(name))
      return scope.sources.error(output.loc,
                                 "the output is " + toString(*output.value) +
                                     ", which is no name of the router");
    if (llvm::Error error = checkResult(scope.family.router, layer.router, name,
                                        ElementKind::Number))
      return error;
    layer.outputs.emplace_back(output.name, name);
    routerNames.push_back(name);
  }
  return llvm::Error::success();
}

/// Reads off the programs what reports and the run time want to know.
llvm::Error LayerBuilder::describeLayer() {
  layer.hidden = token.shape[0];
  layer.topK =
      layer.router.types[layer.router.results.find("ids")->second].shape[0];
  layer.width = findDim(layer, "I");
  int64_t scores =
      layer.router.types[layer.router.results.find("z")->second].shape[0];
  auto main = layer.expertPrograms.find("expert");
  if (main == layer.expertPrograms.end())
    return scope.sources.error(scope.family.loc,
                               "the block runs no program 'expert'");
  for (const auto &[name, routine] : layer.expertPrograms) {
    int64_t experts = 0;
    for (const Operation &operation : routine.operations) {
      if (operation.op != Op::Tensor)
        continue;
      const RoutineType &type =
          scope.tensors.find(operation.attribute("name").string())->second;
      if (!type.perExpert)
        continue;
      if (experts && experts != type.shape[0])
        return scope.sources.error(
            operation.loc, "this tensor is of " + llvm::Twine(type.shape[0]) +
                               " experts, another of the program of " +
                               llvm::Twine(experts));
      experts = type.shape[0];
    }
    if (name == "expert")
      layer.experts = experts;
  }
  for (const Operation &operation : layer.block.operations) {
    if (operation.op == Op::Experts)
      layer.weightBefore |= operation.attribute("before").boolean();
    if (operation.op == Op::Identity)
      layer.identityExperts =
          std::max<int64_t>(0, scores - operation.attribute("from").integer());
    if (operation.op == Op::Capacity)
      layer.perSequence |= operation.attribute("per").string() == "sequence";
  }
  for (const LayerInput &input : inputs) {
    auto uses = [&](const Routine &routine) {
      return llvm::any_of(routine.operations, [&](const Operation &operation) {
        return operation.op == Op::Input &&
               operation.attribute("name").string() == input.name;
      });
    };
    if (uses(layer.router) || uses(layer.block))
      layer.inputs.push_back(input);
  }
  return llvm::Error::success();
}

llvm::Error LayerBuilder::run() {
  int64_t hidden = findDim(layer, "H");
  if (hidden < 1)
    return inputError("{}: the hidden size, dimension H of family {}, is {}; "
                      "it must be at least 1",
                      scope.configPath, scope.family.name, hidden);
  token.shape = {hidden};
  token.perToken = true;
  for (const NamedExpr &input : scope.family.inputs) {
    RoutineType type;
    type.perToken = true;
    llvm::Expected<Value> size = scope.evaluate(*input.value);
    if (!size)
      return size.takeError();
    if (!size->isInt() || size->integer() < 0)
      return scope.sources.error(input.loc,
                                 "the size of an input is " + size->str());
    if (size->integer() == 0)
      continue;
    if (input.name == tokenIds || input.name == tokenTypes)
      type.element = ElementKind::TokenId;
    else
      type.shape = {size->integer()};
    inputs.push_back({input.name, type, input.name == tokenTypes});
  }
  scope.expertType = [this](llvm::StringRef name, const RoutineType &x,
                            llvm::SMLoc loc) {
    return buildExpert(name, x, loc);
  };
  if (llvm::Error error = buildRouter())
    return error;
  if (llvm::Error error = buildBlock())
    return error;
  if (llvm::Error error = findOutputs())
    return error;
  routerNames.insert(routerNames.end(), {"ids", "w", "z"});
  keepOnly(layer.router, routerNames);
  return describeLayer();
}

} // namespace

llvm::Error buildRoutines(LayerScope &scope, ResolvedLayer &layer) {
  return LayerBuilder(scope, layer).run();
}

} // namespace moec::hf

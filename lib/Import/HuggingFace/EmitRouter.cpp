//===- EmitRouter.cpp - The router of a layer -------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What products need is computed on all tokens, outside; the rest of the
// router's program is the region of one moe.router.
//
//===----------------------------------------------------------------------===//

#include "LayerEmitter.h"
#include "llvm/ADT/STLExtras.h"

namespace moec::hf {
namespace {

using namespace mlir;
using HfOperation = moec::hf::Operation;

/// Products whose rows are not rounded: a router computes in f32.
class RouterEmitter : public BatchEmitter {
public:
  using BatchEmitter::BatchEmitter;

protected:
  llvm::Error emitOther(const HfOperation &operation) override {
    if (inside.count(&operation))
      return llvm::Error::success();
    return BatchEmitter::emitOther(operation);
  }

public:
  /// Splits the program; true if anything is left for the region.
  void split();
  std::set<const HfOperation *> inside;
};

/// Outside is whatever a product depends on, and products themselves.
void RouterEmitter::split() {
  std::set<const HfOperation *> outside;
  for (const HfOperation &operation : llvm::reverse(routine.operations)) {
    bool leaf = operation.op == Op::Input || operation.op == Op::Tensor ||
                operation.op == Op::Constant;
    // These look at other tokens, or are worth a product of their own.
    if (leaf || operation.op == Op::Linear || operation.op == Op::Halves)
      outside.insert(&operation);
    if (!outside.count(&operation)) {
      inside.insert(&operation);
      continue;
    }
    for (ValueId id : operation.operands)
      outside.insert(definitions[id]);
  }
}

} // namespace

llvm::Expected<llvm::StringMap<mlir::Value>>
emitRouter(LayerEmission &emission) {
  const Routine &routine = emission.layer.router;
  LayerEmission exact{
      emission.sources,    emission.layer,   emission.builder,
      /*roundRows=*/false, emission.weights, emission.arguments};
  RouterEmitter emitter(exact, routine, emission.arguments.lookup("x"));
  emitter.split();
  if (llvm::Error error = emitter.run())
    return std::move(error);

  llvm::StringMap<mlir::Value> results;
  llvm::SmallVector<ValueId> wanted;
  // By convention ids and weights come first.
  std::vector<std::string> names{"ids", "w"};
  for (const auto &[name, id] : routine.results)
    if (!llvm::is_contained(names, name))
      names.push_back(name);
  std::set<ValueId> madeInside;
  for (const HfOperation *operation : emitter.inside)
    madeInside.insert(operation->results.begin(), operation->results.end());
  for (const std::string &name : names) {
    ValueId id = routine.results.find(name)->second;
    if (!routine.types[id].perToken)
      return emission.sources.error(llvm::SMLoc(),
                                    "'" + name +
                                        "' is the same for all tokens, but is "
                                        "a result of the router");
    if (madeInside.count(id)) {
      if (!llvm::is_contained(wanted, id))
        wanted.push_back(id);
      continue;
    }
    llvm::Expected<mlir::Value> value = emitter.get(id);
    if (!value)
      return value.takeError();
    results[name] = *value;
  }
  const HfOperation *last = &routine.operations.back();
  llvm::Expected<SmallVector<mlir::Value>> values = emitRowRegion(
      exact, routine, emitter.inside, wanted, emission.location(last->loc),
      [&](ValueId id) { return emitter.get(id); });
  if (!values)
    return values.takeError();
  for (const std::string &name : names) {
    auto *at = llvm::find(wanted, routine.results.find(name)->second);
    if (at != wanted.end())
      results[name] = (*values)[at - wanted.begin()];
  }
  return results;
}

} // namespace moec::hf

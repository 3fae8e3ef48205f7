//===- TensorUses.cpp - Which tensors a layer uses --------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Goes through the operations of the router, the block and the experts.
//
//===----------------------------------------------------------------------===//

#include "TensorUses.h"

namespace moec::hf {

TensorUses findTensorUses(const Family &family, const ResolvedLayer &layer) {
  TensorUses uses;
  std::set<std::string> seen;
  auto look = [&](const Routine &routine, bool isRouter) {
    std::set<ValueId> lookedUp;
    for (const Operation &operation : routine.operations)
      if (operation.op == Op::Lookup)
        lookedUp.insert(operation.operands[0]);
    for (const Operation &operation : routine.operations) {
      if (operation.op != Op::Tensor)
        continue;
      const std::string &name = operation.attribute("name").string();
      if (isRouter)
        uses.byRouter.insert(name);
      if (lookedUp.count(operation.results[0]))
        uses.asTable.insert(name);
      seen.insert(name);
    }
  };
  look(layer.router, true);
  look(layer.block, false);
  for (const auto &[name, routine] : layer.expertPrograms)
    look(routine, false);
  // A name may have several declarations.
  for (const TensorDeclaration &declaration : family.tensors)
    if (seen.erase(declaration.name))
      uses.all.push_back(declaration.name);
  return uses;
}

} // namespace moec::hf

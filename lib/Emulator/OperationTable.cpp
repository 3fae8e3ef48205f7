//===- OperationTable.cpp - The operations that are modelled --------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finding an operation by its name.
//
//===----------------------------------------------------------------------===//

#include "Site.h"

using namespace llvm;

namespace moec::emulator {

void doNothing(Thread &, const Site &, const uint64_t *, uint64_t *) {}

OperationTable::OperationTable() {
  addBarrierOperations(*this);
  addBulkCopies(*this);
  addClusterOperations(*this);
  addCopyOperations(*this);
  addMathOperations(*this);
  addMatrixMoves(*this);
  addMbarrierOperations(*this);
  addMemoryOperations(*this);
  addMmaOperations(*this);
  addScalarOperations(*this);
  addWarpOperations(*this);
  addWgmmaOperations(*this);
}

void OperationTable::intrinsic(StringRef name, Operation operation) {
  intrinsicNames.exact[name] = {PtxResult::First, std::move(operation)};
}

void OperationTable::intrinsics(StringRef prefix, Factory factory) {
  intrinsicNames.families.push_back(
      {prefix.str(), PtxResult::First, std::move(factory)});
}

void OperationTable::ptx(StringRef name, PtxResult result,
                         Operation operation) {
  ptxNames.exact[name] = {result, std::move(operation)};
}

void OperationTable::ptxFamily(StringRef prefix, PtxResult result,
                               Factory factory) {
  ptxNames.families.push_back({prefix.str(), result, std::move(factory)});
}

PtxOperation OperationTable::Names::find(StringRef name,
                                         ArrayRef<unsigned> operands) const {
  if (auto found = exact.find(name); found != exact.end())
    return found->second;
  for (const Family &family : families) {
    StringRef rest = name;
    if (!rest.consume_front(family.prefix))
      continue;
    if (Operation operation = family.factory(rest, operands))
      return {family.result, std::move(operation)};
  }
  return {};
}

Operation OperationTable::findIntrinsic(StringRef name) const {
  return intrinsicNames.find(name, {}).run;
}

PtxOperation OperationTable::findPtx(StringRef name,
                                     ArrayRef<unsigned> operands) const {
  return ptxNames.find(name, operands);
}

} // namespace moec::emulator

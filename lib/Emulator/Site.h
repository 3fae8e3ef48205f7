//===- Site.h - A place in a kernel ----------------------------*- C++ -*--===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Retargeting gives every operation and every memory access a Site, whose
// address the host code passes along: what to do there, and what to call it in
// a report.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_EMULATOR_SITE_H
#define MOEC_LIB_EMULATOR_SITE_H

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace moec::emulator {

struct Thread;
struct Site;

/// What an operation does for one thread. Every argument and every result has a
/// slot of 64 bits: integers zero-extended, floats and packed vectors by their
/// bits, aggregates one slot an element.
using Operation = std::function<void(Thread &thread, const Site &site,
                                     const uint64_t *in, uint64_t *out)>;

/// For what has no effect where threads run one at a time.
void doNothing(Thread &, const Site &, const uint64_t *, uint64_t *);

enum class AccessKind : uint8_t { Load, Store, Atomic };

struct Site {
  /// "llvm.nvvm.shfl.sync.idx.i32", or the LLVM instruction's text.
  std::string text;
  /// FILE:LINE:COLUMN or "in function 'f'".
  std::string location;
  uint32_t index = 0;

  Operation operation;

  // Of a memory access.
  AccessKind access = AccessKind::Load;
  bool isVolatile = false;
  uint32_t bytes = 0, align = 1;
  /// LLVM's number of the address space: 0 generic, 1 global, 3 shared,
  /// 4 constant, 5 local, 7 shared memory of the cluster.
  uint32_t addressSpace = 0;
};

/// What an instruction of PTX does with its first operand, which may be a
/// vector: gets its slots in `out`, or also has them first in `in`.
enum class PtxResult { None, First, InOut };

struct PtxOperation {
  PtxResult result = PtxResult::None;
  Operation run;
};

/// The operations that are modelled, by name.
class OperationTable {
public:
  /// Makes the operation for a name of a family from what follows the prefix;
  /// a null operation if the family has no such member. `operands` is, for PTX,
  /// the number of elements of each operand.
  using Factory = std::function<Operation(llvm::StringRef rest,
                                          llvm::ArrayRef<unsigned> operands)>;

  /// All of them.
  OperationTable();

  /// The intrinsic llvm.nvvm.NAME.
  void intrinsic(llvm::StringRef name, Operation operation);
  /// All intrinsics llvm.nvvm.PREFIX...
  void intrinsics(llvm::StringRef prefix, Factory factory);
  /// The PTX instruction NAME of inline assembly, with its suffixes.
  void ptx(llvm::StringRef name, PtxResult result, Operation operation);
  /// All PTX instructions that start with PREFIX.
  void ptxFamily(llvm::StringRef prefix, PtxResult result, Factory factory);

  /// Null if it is not modelled.
  Operation findIntrinsic(llvm::StringRef name) const;
  PtxOperation findPtx(llvm::StringRef name,
                       llvm::ArrayRef<unsigned> operands) const;

private:
  struct Family {
    std::string prefix;
    PtxResult result;
    Factory factory;
  };
  struct Names {
    llvm::StringMap<PtxOperation> exact;
    std::vector<Family> families;
    PtxOperation find(llvm::StringRef name,
                      llvm::ArrayRef<unsigned> operands) const;
  };
  Names intrinsicNames, ptxNames;
};

void addBarrierOperations(OperationTable &table);
void addBulkCopies(OperationTable &table);
void addClusterOperations(OperationTable &table);
void addCopyOperations(OperationTable &table);
void addMathOperations(OperationTable &table);
void addMatrixMoves(OperationTable &table);
void addMbarrierOperations(OperationTable &table);
void addMemoryOperations(OperationTable &table);
void addMmaOperations(OperationTable &table);
void addScalarOperations(OperationTable &table);
void addWarpOperations(OperationTable &table);
void addWgmmaOperations(OperationTable &table);

} // namespace moec::emulator

#endif // MOEC_LIB_EMULATOR_SITE_H

//===- KernelEmitter.cpp - Emitting the code of one kernel ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values, control flow and stages; memory is in KernelMemory.cpp.
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

#include "moec-c/Kernel.h"

#include "llvm/ADT/StringExtras.h"

namespace moec::cpu {

KernelEmitter::KernelEmitter(func::FuncOp kernel, const Isa &isa)
    : b(kernel.getLoc(), kernel.getContext()), isa(isa), lanes(isa.lanes),
      name(("moec_" + kernel.getSymName()).str()) {
  b.setInsertionPoint(kernel);
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  entry = func::FuncOp::create(
      b, name,
      b.getFunctionType({pointer, b.getI32Type(), b.getI32Type()}, {}));
  Block *block = entry.addEntryBlock();
  b.setInsertionPointToStart(block);
  func::ReturnOp::create(b);
  b.setInsertionPointToStart(block);

  call = block->getArgument(0);
  thread = toIndex(block->getArgument(1));
  threads = toIndex(block->getArgument(2));
  tokens = toIndex(
      loadField(call, offsetof(moec_kernel_call, tokens), b.getI64Type()));
  sequence = toIndex(
      loadField(call, offsetof(moec_kernel_call, sequence), b.getI64Type()));
  Value flags =
      loadField(call, offsetof(moec_kernel_call, flags), b.getI64Type());
  Value mask = arith::ConstantOp::create(
      b, b.getI64IntegerAttr(MOEC_CALL_GIVEN_ROUTING));
  Value zero = arith::ConstantOp::create(b, b.getI64IntegerAttr(0));
  givenRouting = arith::CmpIOp::create(
      b, arith::CmpIPredicate::ne, arith::AndIOp::create(b, flags, mask), zero);
  Value bytes = toIndex(loadField(
      call, offsetof(moec_kernel_call, workspace_bytes), b.getI64Type()));
  Value base = loadField(call, offsetof(moec_kernel_call, workspace), pointer);
  workspace = viewPointer(
      base, MemRefType::get({ShapedType::kDynamic}, b.getI8Type()), bytes);
  workspaceEnd = index(0);
  entryMark = workspaceEnd.getDefiningOp();
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Value KernelEmitter::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value KernelEmitter::f32(double value) {
  return arith::ConstantOp::create(b, b.getF32FloatAttr(float(value)));
}

Value KernelEmitter::i32(int64_t value) {
  return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
}

VectorType KernelEmitter::vector(Type element, int64_t width) {
  return VectorType::get({width}, element);
}

Value KernelEmitter::splat(Value value, int64_t width) {
  return vector::BroadcastOp::create(b, vector(value.getType(), width), value);
}

Value KernelEmitter::laneNumbers() {
  auto numbers = llvm::to_vector(llvm::seq<int32_t>(0, lanes));
  return arith::ConstantOp::create(
      b, i32Vector(), DenseElementsAttr::get(i32Vector(), ArrayRef(numbers)));
}

Value KernelEmitter::hidden(Value value) {
  return LLVM::InlineAsmOp::create(
             b, value.getType(), value, /*asm_string=*/"",
             /*constraints=*/
             llvm::isa<VectorType>(value.getType()) ? "=v,0" : "=r,0",
             /*has_side_effects=*/false, /*is_align_stack=*/false,
             LLVM::tailcallkind::TailCallKind::None, /*asm_dialect=*/{},
             /*operand_attrs=*/{})
      .getResult(0);
}

Value KernelEmitter::less(Value x, Value y) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, y);
}

Value KernelEmitter::toIndex(Value integer) {
  return arith::IndexCastOp::create(b, b.getIndexType(), integer);
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

void KernelEmitter::loop(Value from, Value to, Value step,
                         function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, from, to, step);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

SmallVector<Value> KernelEmitter::loopCarried(
    Value from, Value to, Value step, ValueRange inits,
    function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, from, to, step, inits);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(b, next);
  return llvm::to_vector_of<Value>(loop.getResults());
}

SmallVector<Value>
KernelEmitter::loopWhile(ValueRange inits,
                         function_ref<Value(ValueRange)> condition,
                         function_ref<SmallVector<Value>(ValueRange)> body) {
  auto loop = scf::WhileOp::create(b, inits.getTypes(), inits);
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Location> locations(inits.size(), b.getLoc());
  Block *before =
      b.createBlock(&loop.getBefore(), {}, inits.getTypes(), locations);
  scf::ConditionOp::create(b, condition(before->getArguments()),
                           before->getArguments());
  Block *after =
      b.createBlock(&loop.getAfter(), {}, inits.getTypes(), locations);
  scf::YieldOp::create(b, body(after->getArguments()));
  return llvm::to_vector_of<Value>(loop.getResults());
}

void KernelEmitter::when(Value condition, function_ref<void()> body) {
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

Value KernelEmitter::tailMask(int64_t cols) {
  int64_t tail = cols % lanes;
  if (tail == 0)
    return {};
  SmallVector<bool> set(lanes);
  std::fill_n(set.begin(), tail, true);
  VectorType type = vector(b.getI1Type(), lanes);
  return arith::ConstantOp::create(
      b, type, DenseElementsAttr::get(type, ArrayRef<bool>(set)));
}

void KernelEmitter::forVectors(int64_t cols,
                               function_ref<void(Value, Value)> body) {
  int64_t whole = cols / lanes * lanes;
  if (whole > 0)
    loop(index(0), index(whole), index(lanes),
         [&](Value col) { body(col, Value()); });
  if (Value mask = tailMask(cols))
    body(index(whole), mask);
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

void KernelEmitter::barrier() {
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value function =
      loadField(call, offsetof(moec_kernel_call, barrier), pointer);
  Value state =
      loadField(call, offsetof(moec_kernel_call, barrier_state), pointer);
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()),
                                  {pointer, b.getI32Type(), b.getI32Type()});
  LLVM::CallOp::create(
      b, type,
      ValueRange{function, state, entry.getArgument(1), entry.getArgument(2)});
  stages.emplace_back();
}

void KernelEmitter::beginStage(Split split, StringRef stage) {
  if (pending && (split == Split::Other || *pending == Split::Other))
    barrier();
  pending = split;
  std::string given = stage.empty() ? operation : stage.str();
  if (!llvm::is_contained(stages.back(), given))
    stages.back().push_back(std::move(given));
}

void KernelEmitter::stagesWhen(Value condition, function_ref<void()> body) {
  // A barrier inside the branch does not order what stands before it when the
  // branch is not taken.
  if (pending == Split::Other) {
    barrier();
    pending.reset();
  }
  auto before = stages;
  when(condition, body);
  if (condition == givenRouting)
    stages = std::move(before);
}

ArrayAttr KernelEmitter::stageNames() {
  // Two barriers follow each other where a given routing is fetched.
  SmallVector<std::string> names;
  std::string last = "nothing";
  for (ArrayRef<std::string> between : stages)
    names.push_back(last = between.empty() ? last : llvm::join(between, ", "));
  return b.getStrArrayAttr(llvm::to_vector_of<StringRef>(names));
}

std::pair<Value, Value> KernelEmitter::share(Value count) {
  Value from = div(mul(count, thread), threads);
  Value to = div(mul(count, add(thread, index(1))), threads);
  return {from, to};
}

Buffer KernelEmitter::allocateCounter() {
  Buffer counter = allocateDense({.fixed = 1}, 1, b.getI32Type());
  atEntry([&] {
    Value isFirst =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, thread, index(0));
    when(isFirst, [&] {
      memref::StoreOp::create(b, i32(0), counter.memref,
                              ValueRange{index(0), index(0)});
    });
    return 0;
  });
  return counter;
}

void KernelEmitter::forRuns(Value count, int64_t leastRun,
                            function_ref<void(Value, Value)> body) {
  Buffer taken = allocateCounter();
  // What is left for short runs, as a part of all work, and how many of these a
  // thread has on average.
  constexpr int64_t partLeft = 8, mostOfThread = 8, leastOfThread = 2;
  Value part = div(count, index(partLeft));
  Value runs = arith::MinUIOp::create(b, mul(threads, index(mostOfThread)),
                                      div(part, index(leastRun)));
  Value tooFew = less(runs, mul(threads, index(leastOfThread)));
  auto orNone = [&](Value value) -> Value {
    return arith::SelectOp::create(b, tooFew, index(0), value);
  };
  runs = orNone(runs);
  Value left = orNone(part), start = sub(count, left);
  auto [first, end] = share(start);
  loopWhile(
      {index(0), first, end},
      [&](ValueRange run) {
        return arith::CmpIOp::create(b, arith::CmpIPredicate::ule, run[0],
                                     runs);
      },
      [&](ValueRange run) -> SmallVector<Value> {
        body(run[1], run[2]);
        Value number = toIndex(memref::AtomicRMWOp::create(
            b, arith::AtomicRMWKind::addi, i32(1), taken.memref,
            ValueRange{index(0), index(0)}));
        Value next = add(number, index(1));
        Value divisor = arith::MaxUIOp::create(b, runs, index(1));
        return {next, add(start, div(mul(left, number), divisor)),
                add(start, div(mul(left, next), divisor))};
      });
}

void KernelEmitter::forTokenRows(function_ref<void(Value)> body) {
  beginStage(Split::TokenRows);
  auto [from, to] = share(tokens);
  loop(from, to, body);
}

void KernelEmitter::byOneThread(function_ref<void()> body) {
  beginStage(Split::Other);
  Value first =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, thread, index(0));
  when(first, body);
}

} // namespace moec::cpu

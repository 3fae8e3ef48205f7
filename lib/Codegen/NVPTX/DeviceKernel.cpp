//===- DeviceKernel.cpp - Emitting one device function --------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers and loops. Memory is in DeviceMemory.cpp, what threads do together in
// DeviceThreads.cpp.
//
//===----------------------------------------------------------------------===//

#include "DeviceKernel.h"

#include "moec-c/Device.h"

#include "llvm/Support/MathExtras.h"

namespace moec::nvptx {

int64_t elementBytes(Type element) {
  return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

DeviceKernel::DeviceKernel(ModuleOp module, Location loc, const Twine &name,
                           int64_t threads)
    : b(loc, module.getContext()), threads(threads) {
  b.setInsertionPointToEnd(module.getBody());
  Type empty =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), {});
  function = LLVM::LLVMFuncOp::create(b, name.str(), empty);
  function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(),
                    b.getUnitAttr());
  function->setAttr(NVVM::NVVMDialect::getMaxntidAttrName(),
                    b.getDenseI32ArrayAttr({static_cast<int32_t>(threads)}));
  Block *entry = function.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  threadNumber = NVVM::ThreadIdXOp::create(b, b.getI32Type());
  laneNumber = bitAnd(threadNumber, warpSize - 1);
  renewWarp();
}

/// A tensor map stays where the driver puts parameters: copy instructions take
/// its address there.
static void passByValue(LLVM::LLVMFuncOp function, unsigned i) {
  Builder b(function.getContext());
  auto map = LLVM::LLVMArrayType::get(b.getI8Type(), MOEC_TENSOR_MAP_BYTES);
  function.setArgAttr(i, LLVM::LLVMDialect::getByValAttrName(),
                      TypeAttr::get(map));
  function.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(),
                      b.getI64IntegerAttr(MOEC_TENSOR_MAP_ALIGNMENT));
  function.setArgAttr(i, NVVM::NVVMDialect::getGridConstantAttrName(),
                      b.getUnitAttr());
}

void DeviceKernel::aimForBlocks(int64_t blocks) {
  function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                    b.getI32IntegerAttr(blocks));
}

LLVM::LLVMFuncOp DeviceKernel::finish() {
  LLVM::ReturnOp::create(b, ValueRange());
  auto types = llvm::to_vector(function.getBody().front().getArgumentTypes());
  function.setFunctionType(LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), types));
  for (auto [i, argument] : llvm::enumerate(arguments()))
    if (argument.getKind() == moe::ArgumentKind::TensorMap)
      passByValue(function, i);
  return function;
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

Value DeviceKernel::parameter(moe::ArgumentAttr argument) {
  Value &value = parameters[argument];
  if (value)
    return value;
  Type type;
  switch (argument.getKind()) {
  case moe::ArgumentKind::Tokens:
  case moe::ArgumentKind::Sequence:
  case moe::ArgumentKind::InputType:
  case moe::ArgumentKind::OutputType:
    type = b.getI32Type();
    break;
  case moe::ArgumentKind::InputStride:
  case moe::ArgumentKind::OutputStride:
    type = b.getI64Type();
    break;
  case moe::ArgumentKind::Input:
  case moe::ArgumentKind::Output:
  case moe::ArgumentKind::Weight:
  case moe::ArgumentKind::Buffer:
    type = LLVM::LLVMPointerType::get(b.getContext(), globalSpace);
    break;
  case moe::ArgumentKind::TensorMap:
    type = LLVM::LLVMPointerType::get(b.getContext());
    break;
  }
  value = function.getBody().front().addArgument(type, b.getLoc());
  return value;
}

Value DeviceKernel::tokens() {
  return parameter(
      moe::ArgumentAttr::get(b.getContext(), moe::ArgumentKind::Tokens, 0));
}

SmallVector<moe::ArgumentAttr> DeviceKernel::arguments() const {
  return llvm::map_to_vector(parameters,
                             [](const auto &entry) { return entry.first; });
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Value DeviceKernel::i32(int64_t value) {
  return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
}

Value DeviceKernel::i64(int64_t value) {
  return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
}

Value DeviceKernel::f32(double value) {
  return arith::ConstantOp::create(b, b.getF32FloatAttr(float(value)));
}

Value DeviceKernel::truth(bool value) {
  return arith::ConstantOp::create(b, b.getBoolAttr(value));
}

Value DeviceKernel::number(Number x, Type type) {
  return x.value
             ? x.value
             : arith::ConstantOp::create(b, b.getIntegerAttr(type, x.number))
                   .getResult();
}

template <typename Op>
Value DeviceKernel::binary(Number x, Number y) {
  Type type = x.value   ? x.value.getType()
              : y.value ? y.value.getType()
                        : b.getI32Type();
  return Op::create(b, number(x, type), number(y, type));
}

Value DeviceKernel::add(Number x, Number y) {
  return binary<arith::AddIOp>(x, y);
}
Value DeviceKernel::sub(Number x, Number y) {
  return binary<arith::SubIOp>(x, y);
}
Value DeviceKernel::mul(Number x, Number y) {
  return binary<arith::MulIOp>(x, y);
}
Value DeviceKernel::div(Number x, Number y) {
  return binary<arith::DivUIOp>(x, y);
}
Value DeviceKernel::rem(Number x, Number y) {
  return binary<arith::RemUIOp>(x, y);
}
Value DeviceKernel::bitAnd(Number x, Number y) {
  return binary<arith::AndIOp>(x, y);
}
Value DeviceKernel::bitOr(Number x, Number y) {
  return binary<arith::OrIOp>(x, y);
}
Value DeviceKernel::bitXor(Number x, Number y) {
  return binary<arith::XOrIOp>(x, y);
}
Value DeviceKernel::shiftLeft(Number x, Number y) {
  return binary<arith::ShLIOp>(x, y);
}
Value DeviceKernel::shiftRight(Number x, Number y) {
  return binary<arith::ShRUIOp>(x, y);
}
Value DeviceKernel::min(Number x, Number y) {
  return binary<arith::MinSIOp>(x, y);
}

Value DeviceKernel::ceilDiv(Value x, int64_t y) {
  return div(add(x, y - 1), y);
}

Value DeviceKernel::compare(arith::CmpIPredicate predicate, Number x,
                            Number y) {
  Type type = (x.value ? x : y).value.getType();
  return arith::CmpIOp::create(b, predicate, number(x, type), number(y, type));
}

Value DeviceKernel::less(Number x, Number y) {
  return compare(arith::CmpIPredicate::slt, x, y);
}
Value DeviceKernel::equal(Number x, Number y) {
  return compare(arith::CmpIPredicate::eq, x, y);
}
Value DeviceKernel::both(Value x, Value y) {
  return arith::AndIOp::create(b, x, y);
}

Value DeviceKernel::select(Value condition, Number x, Number y) {
  Type type = (x.value ? x : y).value.getType();
  return arith::SelectOp::create(b, condition, number(x, type),
                                 number(y, type));
}

Value DeviceKernel::widen(Value x) {
  return x.getType().isInteger(64)
             ? x
             : arith::ExtUIOp::create(b, b.getI64Type(), x).getResult();
}

Value DeviceKernel::anew(Value x) {
  return LLVM::InlineAsmOp::create(
             b, b.getI32Type(), x, "mov.b32 $0, $1;", "=r,r",
             /*has_side_effects=*/true, /*is_align_stack=*/false,
             LLVM::tailcallkind::TailCallKind::None,
             /*asm_dialect=*/nullptr, /*operand_attrs=*/nullptr)
      .getRes();
}

Value DeviceKernel::toI32(Value index) {
  return arith::IndexCastOp::create(b, b.getI32Type(), index);
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

void DeviceKernel::loop(Number from, Number to, Number step,
                        function_ref<void(Value)> body) {
  loopCarried(from, to, step, {},
              [&](Value i, ValueRange) -> SmallVector<Value> {
                body(i);
                return {};
              });
}

SmallVector<Value> DeviceKernel::loopCarried(
    Number from, Number to, Number step, ValueRange inits,
    function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  Type type = b.getI32Type();
  auto emitBody = [&](OpBuilder &, Location, Value i, ValueRange carried) {
    scf::YieldOp::create(b, body(i, carried));
  };
  OpBuilder::InsertionGuard guard(b);
  Value first = number(from, type), end = number(to, type),
        by = number(step, type);
  auto loop = scf::ForOp::create(b, first, end, by, inits);
  if (inits.empty())
    loop.getBody()->getTerminator()->erase();
  b.setInsertionPointToEnd(loop.getBody());
  emitBody(b, b.getLoc(), loop.getInductionVar(), loop.getRegionIterArgs());
  return llvm::to_vector_of<Value>(loop.getResults());
}

SmallVector<Value> DeviceKernel::rolledLoop(
    Number from, Number to, Number step, ValueRange inits,
    function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  SmallVector<Value> results = loopCarried(from, to, step, inits, body);
  MLIRContext *context = b.getContext();
  auto unroll = LLVM::LoopUnrollAttr::get(
      context, /*disable=*/b.getBoolAttr(true), {}, {}, {}, {}, {}, {});
  auto annotation = LLVM::LoopAnnotationAttr::get(
      context, {}, {}, {}, unroll, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {});
  results.front().getDefiningOp()->setAttr("llvm.loop_annotation", annotation);
  return results;
}

void DeviceKernel::when(Value condition, function_ref<void()> body) {
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

void DeviceKernel::either(Value condition, function_ref<void()> body,
                          function_ref<void()> otherwise) {
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
  b.setInsertionPointToStart(branch.elseBlock());
  otherwise();
}

SmallVector<Value>
DeviceKernel::choose(Value condition, TypeRange types,
                     function_ref<SmallVector<Value>()> body,
                     function_ref<SmallVector<Value>()> otherwise) {
  auto branch = scf::IfOp::create(b, types, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  auto emit = [&](Block *block, function_ref<SmallVector<Value>()> values) {
    b.setInsertionPointToStart(block);
    // Without results there is a terminator already.
    if (SmallVector<Value> yielded = values(); !types.empty())
      scf::YieldOp::create(b, yielded);
  };
  emit(branch.thenBlock(), body);
  emit(branch.elseBlock(), otherwise);
  return branch.getResults();
}

Value DeviceKernel::valueWhen(Value condition, Value otherwise,
                              function_ref<Value()> body) {
  return choose(
      condition, otherwise.getType(),
      [&]() -> SmallVector<Value> { return {body()}; },
      [&]() -> SmallVector<Value> { return {otherwise}; })[0];
}

SmallVector<Value>
DeviceKernel::valuesWhen(Value condition, TypeRange types,
                         function_ref<SmallVector<Value>()> body) {
  return choose(condition, types, body, [&] {
    return llvm::map_to_vector(types, [&](Type type) -> Value {
      return LLVM::UndefOp::create(b, type);
    });
  });
}

} // namespace moec::nvptx

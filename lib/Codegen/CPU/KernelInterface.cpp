//===- KernelInterface.cpp - What passes a kernel's border ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inputs, weights and outputs: where include/moec-c/Kernel.h says they are, and
// how they become buffers. Hidden rows come and go as f32, f16 or bf16; inside
// they are f32 with padded rows.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

#include "moec-c/Kernel.h"

namespace moec::cpu {

/// The element types of hidden rows and their number in the call.
static SmallVector<std::pair<int64_t, Type>> hiddenTypes(MLIRContext *context) {
  return {{MOEC_DTYPE_F32, Float32Type::get(context)},
          {MOEC_DTYPE_F16, Float16Type::get(context)},
          {MOEC_DTYPE_BF16, BFloat16Type::get(context)}};
}

/// The moec_tensor_arg number `position` of the array at `arrayOffset`.
static Value tensorArg(KernelEmitter &e, int64_t arrayOffset,
                       int64_t position) {
  Type pointer = LLVM::LLVMPointerType::get(e.b.getContext());
  Value array = e.loadField(e.call, arrayOffset, pointer);
  return e.elementPointer(array, position, sizeof(moec_tensor_arg));
}

/// The data of a moec_tensor_arg as `memref<T x cols x element>` with dense
/// rows, or with the argument's own row stride.
static Value viewTensorArg(KernelEmitter &e, Value arg, int64_t cols,
                           Type element, bool ownStride) {
  Type pointer = LLVM::LLVMPointerType::get(e.b.getContext());
  Value data = e.loadField(arg, offsetof(moec_tensor_arg, data), pointer);
  int64_t dynamic = ShapedType::kDynamic;
  if (!ownStride)
    return e.viewPointer(data, MemRefType::get({dynamic, cols}, element),
                         e.tokens);
  Value stride = e.toIndex(e.loadField(
      arg, offsetof(moec_tensor_arg, row_stride), e.b.getI64Type()));
  auto layout =
      StridedLayoutAttr::get(e.b.getContext(), 0, {dynamic, int64_t(1)});
  return e.viewPointer(data, MemRefType::get({dynamic, cols}, element, layout),
                       e.tokens, stride);
}

/// Calls `body` with the view of `arg` for whatever element type it has.
static void forHiddenType(KernelEmitter &e, Value arg, int64_t cols,
                          function_ref<void(Value view)> body) {
  Value dtype = e.toIndex(
      e.loadField(arg, offsetof(moec_tensor_arg, dtype), e.b.getI32Type()));
  SmallVector<int64_t> cases;
  auto types = hiddenTypes(e.b.getContext());
  for (auto [number, type] : types)
    cases.push_back(number);
  auto branch =
      scf::IndexSwitchOp::create(e.b, TypeRange(), dtype, cases, cases.size());
  OpBuilder::InsertionGuard guard(e.b);
  for (auto [i, type] : llvm::enumerate(types)) {
    e.b.setInsertionPointToStart(&branch.getCaseRegions()[i].emplaceBlock());
    body(viewTensorArg(e, arg, cols, type.second, /*ownStride=*/true));
    scf::YieldOp::create(e.b);
  }
  // The run time lets no other type through.
  e.b.setInsertionPointToStart(&branch.getDefaultRegion().emplaceBlock());
  scf::YieldOp::create(e.b);
}

//===----------------------------------------------------------------------===//
// Inputs and weights
//===----------------------------------------------------------------------===//

LogicalResult KernelLowering::bindArguments() {
  FailureOr<LayerArguments> arguments = layerArguments(kernel);
  if (failed(arguments))
    return failure();
  weightNumbers = std::move(arguments->weightNumbers);
  if (arguments->sequence)
    scalars[arguments->sequence] = e.sequence;
  for (auto [position, input] : llvm::enumerate(arguments->inputs))
    bindInput(input, int64_t(position));
  return success();
}

void KernelLowering::bindInput(const LayerArguments::Input &input,
                               int64_t position) {
  int64_t cols = input.cols;
  Value arg = tensorArg(e, offsetof(moec_kernel_call, inputs), position);
  if (input.element().isInteger()) {
    set(input.argument,
        {viewTensorArg(e, arg, cols, input.element(), false), e.tokens, cols});
    return;
  }

  Buffer rows = e.allocate({.perToken = 1}, cols, input.element());
  int64_t stride = cast<MemRefType>(rows.memref.getType()).getDimSize(1);
  e.beginStage(Split::TokenRows);
  auto [from, to] = e.share(e.tokens);
  forHiddenType(e, arg, cols, [&, from = from, to = to](Value view) {
    Type element = cast<MemRefType>(view.getType()).getElementType();
    VectorType vectorType = e.vector(element, e.lanes);
    Value zeros =
        arith::ConstantOp::create(e.b, vectorType, e.b.getZeroAttr(vectorType));
    e.loop(from, to, [&](Value row) {
      e.forVectors(cols, [&](Value col, Value mask) {
        SmallVector<Value, 2> position{row, col};
        Value x = mask ? vector::MaskedLoadOp::create(e.b, vectorType, view,
                                                      position, mask, zeros)
                             .getResult()
                       : vector::LoadOp::create(e.b, vectorType, view, position)
                             .getResult();
        if (!element.isF32())
          x = arith::ExtFOp::create(e.b, e.f32Vector(), x);
        vector::StoreOp::create(e.b, x, rows.memref, position);
      });
      e.clearColumns(rows.memref, row, llvm::alignTo(cols, e.lanes), stride);
    });
  });
  set(input.argument, rows);
}

std::optional<int64_t> KernelLowering::weightNumber(Value tensor) {
  if (auto encode = tensor.getDefiningOp<moe::EncodeOp>())
    return weightNumber(encode.getX());
  auto found = weightNumbers.find(tensor);
  return found == weightNumbers.end() ? std::nullopt
                                      : std::optional(found->second);
}

int64_t KernelLowering::packNumber(Attribute pack) {
  auto found = llvm::find(packs, pack);
  int64_t number = found - packs.begin();
  if (found == packs.end())
    packs.push_back(pack);
  return number;
}

Value KernelLowering::weightMemory(Attribute pack, MemRefType type) {
  int64_t number = packNumber(pack);
  return e.atEntry([&]() -> Value {
    Type pointer = LLVM::LLVMPointerType::get(e.b.getContext());
    Value array =
        e.loadField(e.call, offsetof(moec_kernel_call, weights), pointer);
    return e.viewPointer(e.loadField(array, number * sizeof(void *), pointer),
                         type);
  });
}

Buffer KernelLowering::paddedWeight(Value tensor, Type element) {
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t cols = type.getShape().back();
  int64_t rows = type.getNumElements() / cols;
  int64_t width = paddedStride(cols, elementBytes(element));
  std::optional<int64_t> number = weightNumber(tensor);
  assert(number && "checked by the verifier of the kernel's arguments");
  auto pack =
      moe::PaddedRowsAttr::get(tensor.getContext(), *number, width, element);
  auto memrefType = MemRefType::get({ShapedType::kDynamic, width}, element);
  Value fixed = weightMemory(pack, MemRefType::get({rows, width}, element));
  return e.atEntry([&]() -> Buffer {
    return {memref::CastOp::create(e.b, memrefType, fixed), e.index(rows),
            cols};
  });
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

Buffer KernelLowering::outputMemory(int64_t position, RankedTensorType type) {
  int64_t cols = type.getRank() == 2 ? type.getDimSize(1) : 1;
  return e.atEntry([&]() -> Buffer {
    Value arg = tensorArg(e, offsetof(moec_kernel_call, outputs), position);
    return {viewTensorArg(e, arg, cols, type.getElementType(), false), e.tokens,
            cols};
  });
}

void KernelLowering::copyOut(Buffer source, int64_t position, bool anyType) {
  e.beginStage(Split::TokenRows);
  auto [from, to] = e.share(e.tokens);
  Value arg = tensorArg(e, offsetof(moec_kernel_call, outputs), position);
  auto copy = [&, from = from, to = to](Value view) {
    Type element = cast<MemRefType>(view.getType()).getElementType();
    VectorType vectorType = e.vector(element, e.lanes);
    e.loop(from, to, [&](Value row) {
      e.forVectors(source.cols, [&](Value col, Value mask) {
        SmallVector<Value, 2> position{row, col};
        Value x =
            vector::LoadOp::create(e.b, e.vector(source.elementType(), e.lanes),
                                   source.memref, position);
        if (element != source.elementType())
          x = arith::TruncFOp::create(e.b, vectorType, x);
        if (mask)
          vector::MaskedStoreOp::create(e.b, view, position, mask, x);
        else
          vector::StoreOp::create(e.b, x, view, position);
      });
    });
  };
  if (anyType)
    forHiddenType(e, arg, source.cols, copy);
  else
    copy(viewTensorArg(e, arg, source.cols, source.elementType(), false));
}

void KernelLowering::copyIn(int64_t position, Buffer destination) {
  auto type = RankedTensorType::get({ShapedType::kDynamic, destination.cols},
                                    destination.elementType());
  Buffer source = outputMemory(position, type);
  e.forTokenRows([&](Value row) {
    e.loop(e.index(0), e.index(destination.cols), [&](Value col) {
      SmallVector<Value, 2> place{row, col};
      Value x = memref::LoadOp::create(e.b, source.memref, place);
      memref::StoreOp::create(e.b, x, destination.memref, place);
    });
  });
}

LogicalResult KernelLowering::finish(func::ReturnOp op) {
  e.b.setLoc(op.getLoc());
  for (auto [value, position] : outputs) {
    if (direct.contains(value))
      continue;
    Buffer buffer = get(value);
    bool hidden = outputName(kernel, position) == "hidden";
    if (hidden && !buffer.elementType().isF32())
      return op.emitOpError("returns 'hidden' as ")
             << buffer.elementType() << ", not f32";
    copyOut(buffer, position, hidden);
  }
  return success();
}

} // namespace moec::cpu

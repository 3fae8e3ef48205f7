//===- LayerInterface.cpp - What passes a layer's border ------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inputs, weights and outputs. Hidden rows are read and written where the
// caller has them, unless products read them or others than the caller the
// result.
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"

#include "llvm/Support/MathExtras.h"

namespace moec::nvptx {

//===----------------------------------------------------------------------===//
// Inputs and weights
//===----------------------------------------------------------------------===//

LogicalResult LayerLowering::bindArguments() {
  FailureOr<LayerArguments> arguments = layerArguments(kernel);
  if (failed(arguments))
    return failure();
  weightNumbers = std::move(arguments->weightNumbers);
  for (auto [position, input] : llvm::enumerate(arguments->inputs))
    if (failed(bindInput(input, int64_t(position))))
      return failure();
  return success();
}

LogicalResult LayerLowering::bindInput(const LayerArguments::Input &input,
                                       int64_t position) {
  int64_t cols = input.cols;
  auto of = [this, position](moe::ArgumentKind kind) {
    return this->argument(kind, position);
  };
  if (input.element().isInteger()) {
    set(input.argument, {of(moe::ArgumentKind::Input),
                         {.perToken = 1},
                         cols,
                         cols,
                         input.element()});
    return success();
  }

  Buffer given{of(moe::ArgumentKind::Input),
               {.perToken = 1},
               cols,
               static_cast<int64_t>(llvm::alignTo(cols, Buffer::rowPadding)),
               input.element()};
  given.isCallers = true;
  set(input.argument, given);
  if (productsOf(input.argument).empty())
    return success();
  Buffer rows = allocate(given.rows, cols, input.element());
  copies[input.argument] = rows;
  return onRows(kernel.getLoc(), "rows", {rows.rows},
                [this, given, rows](DeviceKernel &k, const RowPart &part) {
                  part.copy(k, rows.stride, use(k, given), use(k, rows),
                            part.row);
                  return success();
                });
}

Memory LayerLowering::useCallers(DeviceKernel &k, const Buffer &rows) {
  bool isInput = rows.memory.getKind() == moe::ArgumentKind::Input;
  auto parameter = [&](moe::ArgumentKind ofInput, moe::ArgumentKind ofOutput) {
    return k.parameter(
        argument(isInput ? ofInput : ofOutput, rows.memory.getNumber()));
  };
  Value type =
      parameter(moe::ArgumentKind::InputType, moe::ArgumentKind::OutputType);
  return {k.parameter(rows.memory), rows.element,
          parameter(moe::ArgumentKind::InputStride,
                    moe::ArgumentKind::OutputStride),
          /*transposed=*/false, CallerRows{type, Type(), rows.cols}};
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

Buffer LayerLowering::outputMemory(int64_t position, RankedTensorType type) {
  int64_t cols = type.getRank() == 2 ? type.getDimSize(1) : 1;
  Buffer buffer{argument(moe::ArgumentKind::Output, position),
                {.perToken = 1},
                cols,
                cols,
                type.getElementType()};
  buffer.isCallers = isHidden(position);
  return buffer;
}

LogicalResult LayerLowering::copyOut(Value value, int64_t position) {
  Buffer source = get(value),
         result =
             outputMemory(position, cast<RankedTensorType>(value.getType()));
  return onRows(
      kernel.getLoc(), "result", {source.rows},
      [this, source, result](DeviceKernel &k, const RowPart &part) {
        Memory from = use(k, source), to = use(k, result);
        if (result.isCallers)
          part.copy(k, source.cols, from, to, part.row);
        else
          part.forColumns(k, source.cols, [&](Value col) {
            k.store(k.load(from, part.row, col), to, part.row, col);
          });
        return success();
      },
      /*width=*/source.cols);
}

LogicalResult LayerLowering::copyIn(int64_t position, Buffer destination) {
  auto type = RankedTensorType::get({ShapedType::kDynamic, destination.cols},
                                    destination.element);
  Buffer source = outputMemory(position, type);
  return onRows(
      kernel.getLoc(), "given", {destination.rows},
      [this, source, destination](DeviceKernel &k, const RowPart &part) {
        Memory from = use(k, source), to = use(k, destination);
        part.forColumns(k, destination.cols, [&](Value col) {
          k.store(k.load(from, part.row, col), to, part.row, col);
        });
        return success();
      });
}

LogicalResult LayerLowering::finish(func::ReturnOp op) {
  for (auto [value, position] : outputs) {
    if (direct.contains(value))
      continue;
    Buffer buffer = get(value);
    if (isHidden(position) && !buffer.element.isF32())
      return op.emitOpError("returns 'hidden' as ")
             << buffer.element << ", not f32";
    if (failed(copyOut(value, position)))
      return failure();
  }
  return success();
}

} // namespace moec::nvptx

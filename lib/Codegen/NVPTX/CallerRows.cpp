//===- CallerRows.cpp - Hidden rows in the caller's memory ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A caller's hidden rows are f32, f16 or bf16, which only the call says, and
// end with their last column. Calls see to it that they begin at multiples of
// 16 bytes or follow each other without gaps, so a run of columns is aligned to
// what it takes if its length divides the columns of a row.
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"
#include "moec-c/Kernel.h"

#include <numeric>

namespace moec::nvptx {

SmallVector<Value>
DeviceKernel::forTypes(const Memory &memory, TypeRange types,
                       function_ref<SmallVector<Value>(const Memory &)> body) {
  if (!memory.caller || memory.caller->known)
    return body(memory);
  auto as = [&](Type type) {
    Memory known = memory;
    known.caller->known = type;
    return body(known);
  };
  auto isType = [&](int64_t number) {
    return equal(memory.caller->type, number);
  };
  return choose(
      isType(MOEC_DTYPE_BF16), types, [&] { return as(b.getBF16Type()); },
      [&] {
        return choose(
            isType(MOEC_DTYPE_F16), types, [&] { return as(b.getF16Type()); },
            [&] { return as(b.getF32Type()); });
      });
}

void DeviceKernel::forTypes(const Memory &memory,
                            function_ref<void(const Memory &)> body) {
  forTypes(memory, TypeRange(), [&](const Memory &known) -> SmallVector<Value> {
    body(known);
    return {};
  });
}

/// Rows as they lie.
static Memory plainRows(const Memory &memory) {
  return {memory.pointer, memory.stored(), memory.stride};
}

SmallVector<Value> DeviceKernel::loadStored(const Memory &memory, Number row,
                                            Number col, int64_t count) {
  if (!memory.caller)
    return loadRun(memory, row, col, count);
  Memory plain = plainRows(memory);
  int64_t cols = memory.caller->cols, piece = std::gcd(cols, count);
  SmallVector<Type> types(piece, plain.element);
  SmallVector<Value> elements;
  for (int64_t i = 0; i < count; i += piece) {
    Value at = add(col, i);
    auto read = [&] { return loadRun(plain, row, at, piece); };
    auto zeros = [&] {
      TypedAttr zero = b.getZeroAttr(plain.element);
      return SmallVector<Value>(piece, arith::ConstantOp::create(b, zero));
    };
    bool isWhole = cols % Buffer::rowPadding == 0;
    llvm::append_range(elements,
                       isWhole ? read()
                               : choose(less(at, cols), types, read, zeros));
  }
  return elements;
}

SmallVector<Value> DeviceKernel::loadCallers(const Memory &memory, Number row,
                                             Number col, int64_t count) {
  return forTypes(memory, SmallVector<Type>(count, b.getF32Type()),
                  [&](const Memory &known) {
                    auto run = loadStored(known, row, col, count);
                    for (Value &x : run)
                      x = toF32(x);
                    return run;
                  });
}

void DeviceKernel::storeCallers(ValueRange values, const Memory &memory,
                                Number row, Number col) {
  forTypes(memory, [&](const Memory &known) {
    storeRunF32(values, plainRows(known), row, col);
  });
}

} // namespace moec::nvptx

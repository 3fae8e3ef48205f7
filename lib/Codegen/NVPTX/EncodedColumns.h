//===- EncodedColumns.h - Single numbers of encoded weights -----*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For products that no tensor core does: numbers of panels in the order
// `columns` (#moe.panels), one at a time, in f32.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_CODEGEN_NVPTX_ENCODEDCOLUMNS_H
#define MOEC_LIB_CODEGEN_NVPTX_ENCODEDCOLUMNS_H

#include "DeviceKernel.h"
#include "moec/Dialect/Moe/NumberFormat.h"

namespace moec::nvptx {

class EncodedColumns {
public:
  EncodedColumns(DeviceKernel &k, moe::PanelsAttr panels)
      : k(k), panels(panels),
        format(moe::NumberFormat::of(panels.getEncoding())->block) {}

  /// Number `inner` of K in column `col` of the panel that begins at `panel`,
  /// in global memory.
  Value load(Value panel, Value col, Value inner);

private:
  Value loadAt(Value panel, Value byte, Type element);
  Value loadCode(Value panel, Value col, Value inner);
  /// The scale as it is stored.
  Value loadScale(Value panel, Value col, Value inner);
  Value unscaled(Value code, Value scale);
  Value factor(Value scale);

  DeviceKernel &k;
  const moe::PanelsAttr panels;
  const BlockFormat format;
};

} // namespace moec::nvptx

#endif // MOEC_LIB_CODEGEN_NVPTX_ENCODEDCOLUMNS_H

//===- Syntax.h - Directives of the assembly formats ------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parsers and printers behind custom<..> in the .td files.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DIALECT_MOE_IR_SYNTAX_H
#define MOEC_LIB_DIALECT_MOE_IR_SYNTAX_H

#include "mlir/IR/OpImplementation.h"

namespace mlir::moe {

/// An enumerator as a bare word. (An enum attribute's own printer puts a space
/// in front, also after a parenthesis.)
template <typename EnumAttribute>
ParseResult parseWord(OpAsmParser &parser, EnumAttribute &attribute) {
  using Enum = decltype(attribute.getValue());
  FailureOr<Enum> value = FieldParser<Enum>::parse(parser);
  if (failed(value))
    return failure();
  attribute = EnumAttribute::get(parser.getContext(), *value);
  return success();
}

template <typename EnumAttribute>
void printWord(OpAsmPrinter &printer, Operation *, EnumAttribute attribute) {
  printer << stringifyEnum(attribute.getValue());
}

} // namespace mlir::moe

#endif // MOEC_LIB_DIALECT_MOE_IR_SYNTAX_H

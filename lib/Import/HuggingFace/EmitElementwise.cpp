//===- EmitElementwise.cpp - Element-wise operations ------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One place says which arith, math and moe operation an element-wise operation
// of a routine is; they exist on scalars and on tensors alike.
//
//===----------------------------------------------------------------------===//

#include "LayerEmitter.h"
#include "mlir/IR/TypeUtilities.h"
#include "moec/Dialect/Moe/Moe.h"
#include "llvm/ADT/StringSwitch.h"

namespace moec::hf {

using namespace mlir;

static mlir::Value emitCompare(OpBuilder &builder, Location loc,
                               llvm::StringRef predicate, ValueRange operands) {
  // Ordered, so that a NaN compares false, but unequal to everything.
  if (isa<FloatType>(getElementTypeOrSelf(operands[0]))) {
    auto kind = llvm::StringSwitch<arith::CmpFPredicate>(predicate)
                    .Case("<", arith::CmpFPredicate::OLT)
                    .Case("<=", arith::CmpFPredicate::OLE)
                    .Case(">", arith::CmpFPredicate::OGT)
                    .Case(">=", arith::CmpFPredicate::OGE)
                    .Case("==", arith::CmpFPredicate::OEQ)
                    .Default(arith::CmpFPredicate::UNE);
    return arith::CmpFOp::create(builder, loc, kind, operands[0], operands[1]);
  }
  auto kind = llvm::StringSwitch<arith::CmpIPredicate>(predicate)
                  .Case("<", arith::CmpIPredicate::slt)
                  .Case("<=", arith::CmpIPredicate::sle)
                  .Case(">", arith::CmpIPredicate::sgt)
                  .Case(">=", arith::CmpIPredicate::sge)
                  .Case("==", arith::CmpIPredicate::eq)
                  .Default(arith::CmpIPredicate::ne);
  return arith::CmpIOp::create(builder, loc, kind, operands[0], operands[1]);
}

mlir::Value emitElementwise(OpBuilder &builder, Location loc,
                            const moec::hf::Operation &operation,
                            ValueRange operands) {
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(operands.back()));
  auto unary = [&]<typename OpTy>() -> mlir::Value {
    return OpTy::create(builder, loc, operands[0]);
  };
  auto binary = [&]<typename OpTy>() -> mlir::Value {
    return OpTy::create(builder, loc, operands[0], operands[1]);
  };
  switch (operation.op) {
  case Op::Add:
    return isFloat ? binary.operator()<arith::AddFOp>()
                   : binary.operator()<arith::AddIOp>();
  case Op::Sub:
    return isFloat ? binary.operator()<arith::SubFOp>()
                   : binary.operator()<arith::SubIOp>();
  case Op::Mul:
    return binary.operator()<arith::MulFOp>();
  case Op::Div:
    return binary.operator()<arith::DivFOp>();
  case Op::Min: // both let a NaN through
    return binary.operator()<arith::MinimumFOp>();
  case Op::Max:
    return binary.operator()<arith::MaximumFOp>();
  case Op::Neg:
    return unary.operator()<arith::NegFOp>();
  case Op::Abs:
    return unary.operator()<math::AbsFOp>();
  case Op::Exp:
    return unary.operator()<math::ExpOp>();
  case Op::Log:
    return unary.operator()<math::LogOp>();
  case Op::Log1p:
    return unary.operator()<math::Log1pOp>();
  case Op::Sqrt:
    return unary.operator()<math::SqrtOp>();
  case Op::Tanh:
    return unary.operator()<math::TanhOp>();
  case Op::Erf:
    return unary.operator()<math::ErfOp>();
  case Op::Sigmoid:
    return unary.operator()<moe::SigmoidOp>();
  case Op::Silu:
    return unary.operator()<moe::SiluOp>();
  case Op::Compare:
    return emitCompare(builder, loc, operation.attribute("predicate").string(),
                       operands);
  case Op::Select:
    return arith::SelectOp::create(builder, loc, operands[0], operands[1],
                                   operands[2]);
  default:
    llvm_unreachable("not an element-wise operation");
  }
}

Type rowType(OpBuilder &builder, const RoutineType &type) {
  Type element;
  switch (type.element) {
  case ElementKind::Number:
    element = builder.getF32Type();
    break;
  case ElementKind::Id:
    element = builder.getI32Type();
    break;
  case ElementKind::Truth:
    element = builder.getI1Type();
    break;
  case ElementKind::TokenId:
    element = builder.getI64Type();
    break;
  }
  if (type.shape.empty())
    return element;
  return RankedTensorType::get(type.shape, element);
}

} // namespace moec::hf

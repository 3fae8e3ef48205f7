//===- MoeEnums.td - Enumerations of the moe dialect -------*- tablegen -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_ENUMS_TD
#define MOE_ENUMS_TD

include "mlir/IR/EnumAttr.td"
include "MoeDialect.td"

class Moe_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::mlir::moe";
  let genSpecializedAttr = 0;
}

def Moe_GroupScore : Moe_Enum<"GroupScore", "how a group of experts is scored", [
  I32EnumAttrCase<"Max", 0, "max">,
  I32EnumAttrCase<"Top2Sum", 1, "top2_sum">
]>;
def Moe_GroupScoreAttr : EnumAttr<Moe_Dialect, Moe_GroupScore, "group_score">;

def Moe_PanelOrder : Moe_Enum<"PanelOrder", "where a panel's codes lie", [
  I32EnumAttrCase<"Columns", 0, "columns">,
  I32EnumAttrCase<"Fragments", 1, "fragments">
]>;

def Moe_ReduceKind : Moe_Enum<"ReduceKind", "what a row is reduced by", [
  I32EnumAttrCase<"Sum", 0, "sum">,
  I32EnumAttrCase<"Max", 1, "max">
]>;
def Moe_ReduceKindAttr : EnumAttr<Moe_Dialect, Moe_ReduceKind, "reduce_kind">;

def Moe_CapacityOrder
    : Moe_Enum<"CapacityOrder", "who comes first when an expert is full", [
  I32EnumAttrCase<"Token", 0, "token">,
  I32EnumAttrCase<"Choice", 1, "choice">
]>;
def Moe_CapacityOrderAttr
    : EnumAttr<Moe_Dialect, Moe_CapacityOrder, "capacity_order">;

#endif // MOE_ENUMS_TD

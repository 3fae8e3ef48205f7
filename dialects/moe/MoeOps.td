//===- MoeOps.td - All operations of the moe dialect -------*- tablegen -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOE_OPS_TD
#define MOE_OPS_TD

include "MoeWeightOps.td"
include "MoeMathOps.td"
include "MoeRouterOps.td"
include "MoeSelectionOps.td"
include "MoeDeviceOps.td"
include "MoeExpertOps.td"

#endif // MOE_OPS_TD

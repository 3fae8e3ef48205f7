//===- ManifestPlan.h - the launches of a layer in a manifest ---*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_MANIFESTPLAN_H
#define MOEC_LIB_RUNTIME_MANIFESTPLAN_H

#include "JsonReader.h"
#include "moec/Runtime/Manifest.h"

namespace moec {

/// "always", "routed" or "given".
const char *launchWhenName(LaunchWhen when);

/// Reads the "plan" of a kernel.
bool getPlan(JsonObject &kernel, ManifestPlan &plan);

/// Whether every tensor and weight that the plan names is one of the layer
/// `object` describes; if not, reports it.
bool checkPlan(JsonObject &object, const ManifestPlan &plan,
               const ManifestLayer &layer);

} // namespace moec

#endif // MOEC_LIB_RUNTIME_MANIFESTPLAN_H

//===- FamilyKeys.h - The keys of a family description ----------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads one entry of the section 'keys'.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_IMPORT_HUGGINGFACE_FAMILYKEYS_H
#define MOEC_LIB_IMPORT_HUGGINGFACE_FAMILYKEYS_H

#include "moec/Import/HuggingFace/Family.h"
#include "moec/Import/HuggingFace/Yaml.h"

namespace moec::hf {

/// `name: TYPE` (a required key), `name: DEFAULT`, or
/// `name: {type: .., default: .., aliases: [..], values: [..], min: ..}`.
llvm::Expected<KeyDescription> readKey(const Sources &sources,
                                       const YamlNode::Entry &entry);

} // namespace moec::hf

#endif // MOEC_LIB_IMPORT_HUGGINGFACE_FAMILYKEYS_H

//===- UnknownKeys.h - Configuration keys a family does not read -*- C++
//-*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tells keys that do not matter from those that would change the result.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_IMPORT_HUGGINGFACE_UNKNOWNKEYS_H
#define MOEC_LIB_IMPORT_HUGGINGFACE_UNKNOWNKEYS_H

#include "moec/Import/HuggingFace/Family.h"
#include <nlohmann/json.hpp>

namespace moec::hf {

/// A value as JSON, printable and cut to 60 characters.
std::string showJson(const nlohmann::json &value);

/// The keys of `section` that neither the family nor the list of common keys
/// knows, to be warned about. Fails for one whose name speaks of the MoE block,
/// unless its value switches off whatever it stands for (null, false, 0,
/// empty).
llvm::Expected<std::vector<std::string>>
findUnknownKeys(const Family &family, const nlohmann::json &section,
                llvm::StringRef path);

} // namespace moec::hf

#endif // MOEC_LIB_IMPORT_HUGGINGFACE_UNKNOWNKEYS_H

//===- Config.h - A model's configuration -----------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//

#ifndef MOEC_IMPORT_HUGGINGFACE_CONFIG_H
#define MOEC_IMPORT_HUGGINGFACE_CONFIG_H

#include "moec/Import/HuggingFace/Family.h"
#include <nlohmann/json.hpp>

namespace moec::hf {

/// A parsed config.json.
struct ConfigFile {
  std::string path; // for messages
  nlohmann::json root;

  /// Fails if the file is not there, is not JSON or holds no object.
  static llvm::Expected<ConfigFile> read(llvm::StringRef path);
  static llvm::Expected<ConfigFile> parse(llvm::StringRef path,
                                          llvm::StringRef text);

  /// The model types the file names, outermost first.
  std::vector<std::string> modelTypes() const;
};

/// The values of a family's keys in one configuration.
struct BoundConfig {
  std::string path;
  std::map<std::string, Value, std::less<>> values;
  std::vector<std::string> warnings;
  /// The object the keys came from.
  nlohmann::json section;
};

/// The family a configuration belongs to. Fails with the known families if
/// none matches.
llvm::Expected<const Family *> detectFamily(const FamilyRegistry &registry,
                                            const ConfigFile &config);

/// Fails for a required key that is missing, a value of a wrong type or out of
/// its legal range, and for a key the family does not know whose name says
/// that it changes what the MoE block computes.
llvm::Expected<BoundConfig> bindConfig(const Family &family,
                                       const ConfigFile &config);

} // namespace moec::hf

#endif // MOEC_IMPORT_HUGGINGFACE_CONFIG_H

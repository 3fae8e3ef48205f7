//===- Yaml.h - YAML as a plain tree ----------------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//

#ifndef MOEC_IMPORT_HUGGINGFACE_YAML_H
#define MOEC_IMPORT_HUGGINGFACE_YAML_H

#include "moec/Import/HuggingFace/SourceText.h"
#include "moec/Import/HuggingFace/Value.h"
#include <memory>

namespace moec::hf {

struct YamlNode {
  enum class Kind { Scalar, Sequence, Mapping };
  struct Entry {
    std::string key;
    llvm::SMLoc loc;
    std::unique_ptr<YamlNode> value;
  };

  Kind kind = Kind::Scalar;
  llvm::SMLoc loc;
  /// Of a scalar.
  Snippet text;
  bool quoted = false;
  /// Of a sequence.
  std::vector<std::unique_ptr<YamlNode>> items;
  /// Of a mapping, in the order of the file; keys are distinct.
  std::vector<Entry> entries;

  const YamlNode *find(llvm::StringRef key) const;
  /// A scalar or a sequence of scalars as a constant: null, true, 8, 2.5, a
  /// string. Quoted scalars are strings.
  llvm::Expected<Value> toValue(const Sources &sources) const;
};

/// Parses one document. `text` is what Sources::add returned.
llvm::Expected<std::unique_ptr<YamlNode>> parseYaml(const Sources &sources,
                                                    llvm::StringRef text);

} // namespace moec::hf

#endif // MOEC_IMPORT_HUGGINGFACE_YAML_H

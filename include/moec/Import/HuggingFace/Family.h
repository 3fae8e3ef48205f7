//===- Family.h - A model family's description ------------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//

#ifndef MOEC_IMPORT_HUGGINGFACE_FAMILY_H
#define MOEC_IMPORT_HUGGINGFACE_FAMILY_H

#include "moec/Import/HuggingFace/Ast.h"
#include "moec/Import/HuggingFace/Value.h"
#include <map>

namespace moec::hf {

/// What a configuration key may hold.
enum class KeyType { Int, Number, Bool, String, List, Any };

struct KeyDescription {
  llvm::SMLoc loc;
  std::string name; // a path where objects nest: ffn_config.moe_top_k
  std::vector<std::string> aliases;
  KeyType type = KeyType::Any;
  bool required = false;
  bool nullable = false;
  Value defaultValue;
  std::vector<Value> values; // the legal ones; empty: all
  std::optional<double> minimum;
};

struct NamedExpr {
  llvm::SMLoc loc;
  std::string name;
  ExprPtr value;
};

/// A sequence of layers with one numbering.
struct LayerStack {
  llvm::SMLoc loc;
  std::string name; // "layers.{n}"
  ExprPtr count;
  ExprPtr moe; // which are MoE layers; null: all
  std::vector<std::string> prefixes;
};

struct Check {
  ExprPtr condition;
  std::string message;
};

struct Program {
  llvm::SMLoc loc;
  std::string name; // "router", "block", "expert", "shared_expert", ...
  StatementList statements;
};

struct Family {
  llvm::SMLoc loc;
  std::string name;
  std::string summary;
  std::vector<std::string> modelTypes;
  /// Objects of config.json that the keys may live in.
  std::vector<std::string> sections;
  std::vector<KeyDescription> keys;
  /// Values that follow from the keys, in order.
  std::vector<NamedExpr> definitions;
  std::vector<NamedExpr> dims;
  std::vector<Check> checks;
  std::vector<std::string> ignored;
  /// Values of keys that make a small model, for tests.
  std::map<std::string, Value, std::less<>> small;
  /// Inputs of a layer beside x, with the size of a token's row; "token_ids"
  /// and "token_types" are one number a token.
  std::vector<NamedExpr> inputs;
  /// Outputs of a layer beside the usual ones: names of the router.
  std::vector<NamedExpr> outputs;
  std::vector<LayerStack> stacks;
  std::vector<TensorDeclaration> tensors;
  Program router, block;
  /// "expert", and others that a block names.
  std::vector<Program> experts;

  const KeyDescription *findKey(llvm::StringRef name) const;
};

/// Reads a description. `base` looks up the family an `extends` names.
llvm::Expected<Family> readFamily(
    const Sources &sources, llvm::StringRef text,
    llvm::function_ref<llvm::Expected<const Family *>(llvm::StringRef)> base);

/// The families known: those built in, and a user's own.
class FamilyRegistry {
public:
  /// With the built-in families.
  static llvm::Expected<std::unique_ptr<FamilyRegistry>> create();
  /// Without any.
  static std::unique_ptr<FamilyRegistry> createEmpty();

  /// Adds a description, which goes before the others of its model types.
  llvm::Error add(llvm::StringRef fileName, llvm::StringRef text);

  /// By name, or by a model_type; null if there is none.
  const Family *findByName(llvm::StringRef name) const;
  const Family *findByModelType(llvm::StringRef modelType) const;

  /// Sorted.
  std::vector<std::string> names() const;
  const Sources &sources() const { return texts; }

private:
  FamilyRegistry() = default;
  llvm::Expected<const Family *> load(llvm::StringRef name);

  Sources texts;
  std::vector<std::unique_ptr<Family>> families;
  std::map<std::string, llvm::StringRef, std::less<>> pending; // not read yet
  std::vector<std::string> loading;
};

} // namespace moec::hf

#endif // MOEC_IMPORT_HUGGINGFACE_FAMILY_H

//===- TestSupport.h - Helpers of the importer's tests ----------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Snippets, in-memory tensor directories and the text of errors.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_TEST_UNIT_HUGGINGFACE_TESTSUPPORT_H
#define MOEC_TEST_UNIT_HUGGINGFACE_TESTSUPPORT_H

#include "moec/Import/HuggingFace/Model.h"
#include "gtest/gtest.h"

namespace moec::hf {

/// The message of a failure; fails the test if there is none.
template <typename T>
std::string messageOf(llvm::Expected<T> result) {
  if (!result)
    return llvm::toString(result.takeError());
  ADD_FAILURE() << "expected an error";
  return {};
}
inline std::string messageOf(llvm::Error error) {
  if (error)
    return llvm::toString(std::move(error));
  ADD_FAILURE() << "expected an error";
  return {};
}

/// A message without the place in a built-in description that ends it.
inline std::string withoutPlace(const std::string &message) {
  return message.substr(0, message.rfind(" (families/"));
}

/// The value; fails the test with the message if there is none.
template <typename T>
T valueOf(llvm::Expected<T> result) {
  if (!result) {
    ADD_FAILURE() << llvm::toString(result.takeError());
    std::abort();
  }
  return std::move(*result);
}

/// `text` as the whole of a file called "test.yaml".
inline Snippet makeSnippet(Sources &sources, llvm::StringRef text) {
  llvm::StringRef copy = sources.add("test.yaml", text);
  Snippet snippet;
  snippet.text = copy.str();
  const char *line = copy.data();
  snippet.lines.push_back(llvm::SMLoc::getFromPointer(line));
  for (const char &c : copy)
    if (c == '\n')
      snippet.lines.push_back(llvm::SMLoc::getFromPointer(&c + 1));
  return snippet;
}

/// Tensors that are only described.
class FakeTensors : public TensorDirectory {
public:
  std::string path() const override { return "model"; }
  std::optional<StoredTensor> find(llvm::StringRef name) const override {
    auto it = tensors.find(name);
    if (it == tensors.end())
      return std::nullopt;
    return it->second;
  }
  void add(const std::string &name, Shape shape, DType dtype = DType::BF16) {
    tensors[name] = {dtype, std::move(shape)};
  }

  std::map<std::string, StoredTensor, std::less<>> tensors;
};

/// The built-in families.
inline FamilyRegistry &families() {
  static std::unique_ptr<FamilyRegistry> registry =
      valueOf(FamilyRegistry::create());
  return *registry;
}

/// Resolves the text of a config.json.
inline llvm::Expected<ResolvedModel>
resolveText(llvm::StringRef config, const TensorDirectory *tensors = nullptr) {
  llvm::Expected<ConfigFile> file =
      ConfigFile::parse("model/config.json", config);
  if (!file)
    return file.takeError();
  llvm::Expected<const Family *> family = detectFamily(families(), *file);
  if (!family)
    return family.takeError();
  return resolveModel(families(), **family, *file, tensors);
}

/// Why a config.json is refused, without the place in the description.
inline std::string refusal(llvm::StringRef config,
                           const TensorDirectory *tensors = nullptr) {
  return withoutPlace(messageOf(resolveText(config, tensors)));
}

} // namespace moec::hf

#endif // MOEC_TEST_UNIT_HUGGINGFACE_TESTSUPPORT_H

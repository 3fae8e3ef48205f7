//===- FamilyRegistry.cpp - The families known ----------------------------===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//

#include "EmbeddedFamilies.h"
#include "moec/Import/HuggingFace/Family.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"

namespace moec::hf {

std::unique_ptr<FamilyRegistry> FamilyRegistry::createEmpty() {
  return std::unique_ptr<FamilyRegistry>(new FamilyRegistry());
}

llvm::Expected<std::unique_ptr<FamilyRegistry>> FamilyRegistry::create() {
  std::unique_ptr<FamilyRegistry> registry = createEmpty();
  for (const EmbeddedFile &file : embeddedFamilies())
    registry->pending[file.name.str()] = registry->texts.add(
        ("families/" + file.name + ".yaml").str(), file.text);
  while (!registry->pending.empty()) {
    std::string name = registry->pending.begin()->first;
    if (llvm::Expected<const Family *> loaded = registry->load(name); !loaded)
      return loaded.takeError();
  }
  return registry;
}

llvm::Expected<const Family *> FamilyRegistry::load(llvm::StringRef name) {
  if (const Family *known = findByName(name))
    return known;
  auto it = pending.find(name);
  if (it == pending.end())
    return nullptr;
  if (llvm::is_contained(loading, name))
    return llvm::createStringError("family " + name + " extends itself");
  loading.push_back(name.str());
  llvm::Expected<Family> family = readFamily(
      texts, it->second, [this](llvm::StringRef base) { return load(base); });
  loading.pop_back();
  pending.erase(name.str());
  if (!family)
    return family.takeError();
  families.push_back(std::make_unique<Family>(std::move(*family)));
  return families.back().get();
}

llvm::Error FamilyRegistry::add(llvm::StringRef fileName,
                                llvm::StringRef text) {
  llvm::Expected<Family> family = readFamily(
      texts, texts.add(fileName, text),
      [this](llvm::StringRef base) -> llvm::Expected<const Family *> {
        return findByName(base);
      });
  if (!family)
    return family.takeError();
  families.insert(families.begin(),
                  std::make_unique<Family>(std::move(*family)));
  return llvm::Error::success();
}

const Family *FamilyRegistry::findByName(llvm::StringRef name) const {
  for (const std::unique_ptr<Family> &family : families)
    if (family->name == name)
      return family.get();
  return nullptr;
}

const Family *FamilyRegistry::findByModelType(llvm::StringRef type) const {
  for (const std::unique_ptr<Family> &family : families)
    if (llvm::is_contained(family->modelTypes, type))
      return family.get();
  return nullptr;
}

std::vector<std::string> FamilyRegistry::names() const {
  std::vector<std::string> result;
  result.reserve(families.size());
  for (const std::unique_ptr<Family> &family : families)
    result.push_back(family->name);
  llvm::sort(result);
  result.erase(llvm::unique(result), result.end());
  return result;
}

} // namespace moec::hf

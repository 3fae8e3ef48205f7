//===- TensorUses.h - Which tensors a layer uses ----------------*- C++ -*-===//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads off the programs of a layer which of the declared tensors they use, and
// how.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_IMPORT_HUGGINGFACE_TENSORUSES_H
#define MOEC_LIB_IMPORT_HUGGINGFACE_TENSORUSES_H

#include "moec/Import/HuggingFace/Model.h"
#include <set>

namespace moec::hf {

struct TensorUses {
  std::vector<std::string> all; // in the order of their declarations
  std::set<std::string> byRouter;
  std::set<std::string> asTable; // looked up by token id
};

TensorUses findTensorUses(const Family &family, const ResolvedLayer &layer);

} // namespace moec::hf

#endif // MOEC_LIB_IMPORT_HUGGINGFACE_TENSORUSES_H

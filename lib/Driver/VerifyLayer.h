//===- VerifyLayer.h - Judging the code of one layer ------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs compiled code and the reference on the same inputs.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_VERIFYLAYER_H
#define MOEC_LIB_DRIVER_VERIFYLAYER_H

#include "Accuracy.h"
#include "Session.h"
#include "moec/Reference/Cases.h"
#include "moec/Reference/Compare.h"

#include "mlir/IR/BuiltinOps.h"

namespace moec::driver {

/// What a run came to.
struct Judgement {
  reference::CompareReport report;
  /// Of the hidden rows; of a layer in which something is encoded.
  std::optional<RelativeError> accuracy;
};

class LayerVerifier {
public:
  /// `module` has the layer as it was compiled, `unencoded`, if not null, as it
  /// was before weights and rows were encoded. All have to outlive the
  /// verifier.
  LayerVerifier(Session &session, mlir::ModuleOp module,
                mlir::ModuleOp unencoded, reference::WeightProvider &weights,
                SessionLayer layer, uint64_t seed)
      : session(session), module(module), unencoded(unencoded),
        weights(weights), layer(std::move(layer)), seed(seed) {}

  const SessionLayer &description() const { return layer; }
  reference::CaseSize size(int64_t tokens) const;
  /// Whether the code obeys a routing that is given.
  bool takesRouting() const { return layer.info.can_give_routing; }

  /// Runs one case on both; inputs the case lacks are made up from the seed.
  llvm::Expected<Judgement> judge(const reference::Case &testCase,
                                  const NamedTensors &given = {});

private:
  llvm::Expected<HostTensor> makeUp(const LayerTensor &input,
                                    int64_t tokens) const;

  Session &session;
  mlir::ModuleOp module, unencoded;
  reference::WeightProvider &weights;
  SessionLayer layer;
  uint64_t seed;
};

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_VERIFYLAYER_H

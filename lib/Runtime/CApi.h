//===- CApi.h - what the exported functions share ---------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The objects behind the handles of moec-c/Runtime.h, and how an exported
// function reports failure: its body returns a Status, and what it throws (the
// standard library's exceptions, chiefly lack of memory) becomes one.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_RUNTIME_CAPI_H
#define MOEC_LIB_RUNTIME_CAPI_H

#include "Bundle.h"
#include "LayerCall.h"
#include "moec-c/Runtime.h"

#include <mutex>
#include <new>

struct moec_model {
  std::shared_ptr<const moec::Bundle> bundle;
  moec_options options;
};

struct moec_context {
  explicit moec_context(std::shared_ptr<const moec::Bundle> opened)
      : bundle(std::move(opened)), call(*bundle) {}

  std::shared_ptr<const moec::Bundle> bundle;
  std::unique_ptr<moec::Pool> pool;
  moec::Workspace workspace;
  moec::LayerCall call;
  void *stream = nullptr;
  std::unique_ptr<moec::StageClock> stages;
  std::mutex mutex; ///< guards all but bundle, and pool's run
};

namespace moec {

/// Keeps the message for moec_last_error and returns the code.
moec_status reportFailure(const Status &status) noexcept;

/// The failure of `function` to be given `argument`.
Status missingArgument(const char *function, const char *argument);

/// Whether `layer` is the index of a layer.
Status checkLayerIndex(const Bundle &bundle, int32_t layer);

/// Runs `function`, which returns a Status, and reports how it ended.
template <typename Function>
moec_status guarded(Function function) noexcept {
  try {
    Status status = function();
    return status.failed() ? reportFailure(status) : MOEC_OK;
  } catch (const std::bad_alloc &) {
    return reportFailure(Status(MOEC_ERROR_SYSTEM, "out of memory"));
  } catch (const std::exception &failure) {
    return reportFailure(Status(MOEC_ERROR_SYSTEM, failure.what()));
  }
}

} // namespace moec

#endif // MOEC_LIB_RUNTIME_CAPI_H

//===- Session.h - Running layers through the C interface -------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The run time as run and verify use it: the same C interface that any other
// program has, with its errors and lifetimes in C++ terms.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_SESSION_H
#define MOEC_LIB_DRIVER_SESSION_H

#include "EmulatorDevice.h"
#include "Runner.h"
#include "TensorFile.h"
#include "moec-c/Runtime.h"

#include <memory>

namespace moec::driver {

/// One input or output of a layer.
struct LayerTensor {
  std::string name;
  int64_t cols = 0;
  DType dtype = DType::F32;
  bool optional = false;
};

struct SessionLayer {
  int32_t index = 0;
  std::string name;
  moec_layer_info info = {};
  std::vector<LayerTensor> inputs, outputs;
};

/// How to run a layer.
struct RunRequest {
  /// By name; those of the layer that are not optional are needed. With
  /// `givenRouting`, also "topk_ids" and "topk_weights".
  NamedTensors inputs;
  bool givenRouting = false;
  DType hiddenDtype = DType::F32;
  /// Leave all outputs but "hidden" to the run time.
  bool hiddenOnly = false;
};

/// A run with all its tensors in place: it can be repeated without any
/// allocation. Refers to the request it was made from.
struct PreparedRun {
  NamedTensors results;
  std::vector<DLTensor> views;
  std::vector<const DLTensor *> inputs;
  std::vector<DLTensor *> outputs;
  int32_t layer = 0;
  uint64_t flags = 0;
};

/// An open bundle and a context.
class Session {
public:
  /// `threads`: 0 for one on each CPU. `device` runs a bundle for a GPU; null
  /// for the run time's choice.
  static llvm::Expected<Session>
  open(llvm::StringRef path, int32_t threads, uint64_t flags = 0,
       std::unique_ptr<EmulatorDevice> device = nullptr);

  /// Runs the bundle in another process, by `command` (Runner.h).
  static llvm::Expected<Session>
  openInRunner(llvm::StringRef path, int32_t threads, llvm::StringRef command);

  llvm::Expected<SessionLayer> layer(llvm::StringRef name) const;
  llvm::Expected<std::vector<SessionLayer>> layers() const;
  /// The manifest's description of the model.
  llvm::StringRef modelJson() const { return moec_model_json(model.get()); }
  int32_t threads() const { return moec_context_threads(context.get()); }

  /// From now on run() has all tensors in the memory of the device that runs
  /// the bundle, "hidden" with rows that are apart. Fails if that is a CPU.
  llvm::Error useDeviceMemory();

  /// What runs the bundle's layers; null for a CPU.
  const moec_device *deviceOfModel() const {
    return moec_model_device(model.get());
  }
  /// Puts later calls on a stream of the device, and does not wait for them.
  llvm::Error setStream(void *stream);

  /// Lets later calls write what the stages of their layer took to `times`,
  /// which has to outlive them; none: does not time any more.
  llvm::Error timeStages(llvm::MutableArrayRef<moec_stage_time> times);

  /// Runs a layer; the result has its outputs in order, with a given routing
  /// only "hidden".
  llvm::Expected<NamedTensors> run(const SessionLayer &layer,
                                   RunRequest &request);

  /// The two halves of run(); the outputs are in `results` afterwards.
  llvm::Expected<PreparedRun> prepare(const SessionLayer &layer,
                                      RunRequest &request) const;
  llvm::Error execute(PreparedRun &run);

private:
  llvm::Expected<SessionLayer> describe(int32_t index) const;
  llvm::Error executeInDeviceMemory(const SessionLayer &layer,
                                    PreparedRun &run);

  struct CloseModel {
    void operator()(moec_model *model) const { moec_close(model); }
  };
  struct DestroyContext {
    void operator()(moec_context *context) const {
      moec_context_destroy(context);
    }
  };
  std::unique_ptr<EmulatorDevice> device;
  std::unique_ptr<moec_model, CloseModel> model;
  /// What runs the layers: one of the two.
  std::unique_ptr<moec_context, DestroyContext> context;
  std::unique_ptr<Runner> runner;
  bool inDeviceMemory = false;
};

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_SESSION_H

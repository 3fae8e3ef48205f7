//===- BenchLayer.h - A layer to be timed -----------------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A random layer goes the way of any model: a checkpoint, a bundle, the C
// interface. Only that both lie in memory, where the system has a file system
// there.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_BENCHLAYER_H
#define MOEC_LIB_DRIVER_BENCHLAYER_H

#include "BenchTiming.h"
#include "Progress.h"
#include "Session.h"
#include "moec/Performance/LayerCost.h"
#include "moec/Performance/Shapes.h"
#include "moec/Pipelines/Pipelines.h"
#include "moec/Support/Cleanup.h"

namespace moec::driver {

/// How the weights of a layer are stored.
struct BenchFormat {
  /// As the user calls it.
  std::string name;
  /// Of the checkpoint.
  DType stored = DType::BF16;
  /// Of the rows that go in and out.
  DType rows = DType::BF16;
  /// Of the bundle.
  QuantizeOptions quantize = {};
};

/// WEIGHTS[:GROUP][/ROWS]: "bf16", "int8" (a scale for each row of weights),
/// "int4:128" (for each 128 numbers), "mxfp4/int8" (rows in int8 as well).
llvm::Expected<BenchFormat> parseFormat(llvm::StringRef text);

/// Where tokens go.
enum class Routing { Random, Zipf, OneHot };

llvm::StringRef routingName(Routing routing);

/// A compiled layer in a temporary directory.
class BenchLayer {
public:
  /// Makes the checkpoint and compiles it for a GPU's `chip`, or for this CPU
  /// if that is empty.
  static llvm::Expected<std::unique_ptr<BenchLayer>>
  create(const perf::LayerShape &shape, const BenchFormat &format,
         Console &console, llvm::StringRef chip = "");

  const perf::LayerCost &cost() const { return layerCost; }
  /// The directory that holds "checkpoint" and "bundle".
  llvm::StringRef directory() const { return place.path(); }

  /// Frees what only other engines need.
  void dropCheckpoint();

  /// A team of threads to run it with.
  llvm::Expected<Session> open(int32_t threads) const;

  /// Rows for a call on `tokens` tokens that the layer's own router routes as
  /// `routing` says: random rows, or such rows plus what raises the logits of
  /// some experts.
  llvm::Expected<HostTensor> rows(Session &session, int64_t tokens,
                                  Routing routing, uint64_t seed);

  /// `count` calls on such rows, ready to be timed.
  llvm::Expected<TimedCalls> calls(Session &session, const SessionLayer &layer,
                                   int64_t tokens, Routing routing,
                                   size_t count);

private:
  llvm::Error write(const perf::LayerShape &shape, llvm::StringRef chip,
                    Console &console);
  llvm::Error readCost();
  llvm::Error readGate(Session &session);

  BenchFormat format;
  TemporaryPath place;
  perf::LayerCost layerCost;
  /// The router's matrix, [E, H], once it was needed.
  std::vector<float> gate;
};

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_BENCHLAYER_H

//===- moec-runner.cpp - Runs a bundle for another process ----------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `moec-runner BUNDLE [THREADS]` serves the calls of `moec verify --runner=...`
// on a machine, or in an emulator, of the architecture the bundle is for. It
// needs libmoec_rt and no LLVM. Ends when its input does.
//
//===----------------------------------------------------------------------===//

#include "moec-c/Runtime.h"
#include "moec/Runtime/Remote.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

using namespace moec;

namespace {

/// An input or output of a call, in this process's memory.
struct ReceivedTensor {
  RemoteTensor header;
  std::vector<char> bytes;
  DLTensor view;

  DLTensor *get() { return header.bytes < 0 ? nullptr : &view; }
};

} // namespace

/// Reads `size` bytes; false at the end of the input.
static bool receive(void *data, size_t size) {
  return moveBytes(static_cast<char *>(data), size, [](char *to, size_t rest) {
    return read(STDIN_FILENO, to, rest);
  });
}

/// Writes `size` bytes; a caller that is gone ends the program.
static void send(const void *data, size_t size) {
  if (!moveBytes(static_cast<const char *>(data), size,
                 [](const char *from, size_t rest) {
                   return write(STDOUT_FILENO, from, rest);
                 }))
    exit(1);
}

static void sendResult(moec_status status) {
  std::string message = status == MOEC_OK ? "" : moec_last_error();
  RemoteResult result = {status, int32_t(message.size())};
  send(&result, sizeof(result));
  send(message.data(), message.size());
}

static bool receiveTensor(ReceivedTensor &tensor) {
  RemoteTensor &header = tensor.header;
  if (!receive(&header, sizeof(header)))
    return false;
  if (header.bytes < 0)
    return true;
  tensor.bytes.resize(size_t(header.bytes));
  tensor.view = {tensor.bytes.data(), {kDLCPU, 0},
                 header.rank,         {header.code, header.bits, header.lanes},
                 header.shape,
                 /*strides=*/nullptr,
                 /*byte_offset=*/0};
  return receive(tensor.bytes.data(), tensor.bytes.size());
}

/// Serves one call; false at the end of the input.
static bool serve(moec_context *context) {
  RemoteCall call;
  if (!receive(&call, sizeof(call)))
    return false;
  std::vector<ReceivedTensor> tensors(size_t(call.inputs) +
                                      size_t(call.outputs));
  std::vector<DLTensor *> views;
  for (ReceivedTensor &tensor : tensors) {
    if (!receiveTensor(tensor))
      return false;
    views.push_back(tensor.get());
  }
  moec_status status =
      moec_run(context, call.layer, views.data(), call.inputs,
               views.data() + call.inputs, call.outputs, call.flags);
  sendResult(status);
  if (status == MOEC_OK)
    for (size_t i = size_t(call.inputs); i < tensors.size(); ++i)
      send(tensors[i].bytes.data(), tensors[i].bytes.size());
  return true;
}

int main(int argc, char **argv) {
  if (argc < 2 || argc > 3) {
    fprintf(stderr, "usage: moec-runner BUNDLE [THREADS]\n"
                    "Serves `moec verify --runner=...`; not to be called by "
                    "hand.\n");
    return 2;
  }
  int32_t threads = 0;
  std::string_view count = argc > 2 ? argv[2] : "0";
  auto [end, error] =
      std::from_chars(count.data(), count.data() + count.size(), threads);
  if (error != std::errc() || end != count.data() + count.size()) {
    fprintf(stderr, "moec-runner: '%s' is no number of threads\n", argv[2]);
    return 2;
  }
  moec_options options = MOEC_OPTIONS_INIT;
  options.flags = MOEC_OPEN_CHECK_WEIGHTS;
  moec_model *model = nullptr;
  moec_context *context = nullptr;
  moec_status status = moec_open(argv[1], &options, &model);
  if (status == MOEC_OK)
    status = moec_context_create(model, threads, &context);
  sendResult(status);
  if (status != MOEC_OK)
    return 1;
  while (serve(context)) {
  }
  moec_context_destroy(context);
  moec_close(model);
  return 0;
}

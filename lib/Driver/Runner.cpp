//===- Runner.cpp - A bundle in another process ---------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runner.h"

#include "moec/Runtime/Remote.h"
#include "moec/Support/Error.h"
#include "moec/Support/Text.h"

#include "llvm/ADT/STLExtras.h"

#include <cerrno>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace llvm;

namespace moec::driver {

static int64_t sizeInBytes(const DLTensor &tensor) {
  int64_t elements = 1;
  for (int64_t size : ArrayRef(tensor.shape, size_t(tensor.ndim)))
    elements *= size;
  return elements * tensor.dtype.bits / 8;
}

Expected<std::unique_ptr<Runner>>
Runner::start(StringRef command, StringRef bundle, int32_t threads) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fileError("create", "a socket", errno);
  // The shell takes the command apart, and what follows as $1 and $2.
  std::string script = ("exec " + command + " \"$@\"").str();
  std::string path = bundle.str(), count = std::to_string(threads);
  const char *arguments[] = {"sh",         "-c",          script.c_str(), "sh",
                             path.c_str(), count.c_str(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t process;
  int code = posix_spawn(&process, "/bin/sh", &actions, nullptr,
                         const_cast<char **>(arguments), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (code != 0) {
    close(ends[0]);
    return fileError("start", "/bin/sh", code);
  }
  std::unique_ptr<Runner> runner(new Runner(command, ends[0], process));
  if (Error error = runner->receiveResult())
    return std::move(error);
  return runner;
}

Runner::~Runner() {
  close(socket);
  while (waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Error Runner::goneError() const {
  return inputError("--runner={}: the command ended without an answer; it has "
                    "to start a moec-runner of this version",
                    printable(command));
}

Error Runner::send(const void *data, size_t size) {
  bool sent = moveBytes(static_cast<const char *>(data), size,
                        [this](const char *from, size_t rest) {
                          return ::send(socket, from, rest, MSG_NOSIGNAL);
                        });
  return sent ? Error::success() : goneError();
}

Error Runner::receive(void *data, size_t size) {
  bool received =
      moveBytes(static_cast<char *>(data), size, [this](char *to, size_t rest) {
        return recv(socket, to, rest, 0);
      });
  return received ? Error::success() : goneError();
}

Error Runner::sendTensor(const DLTensor *tensor) {
  RemoteTensor header = {};
  header.bytes = -1;
  if (!tensor)
    return send(&header, sizeof(header));
  if (tensor->ndim > RemoteTensor::maxRank)
    return inputError("a tensor has {} dimensions; a runner takes {}",
                      tensor->ndim, RemoteTensor::maxRank);
  header.bytes = sizeInBytes(*tensor);
  header.rank = tensor->ndim;
  std::copy_n(tensor->shape, tensor->ndim, header.shape);
  header.code = tensor->dtype.code;
  header.bits = tensor->dtype.bits;
  header.lanes = tensor->dtype.lanes;
  if (Error error = send(&header, sizeof(header)))
    return error;
  return send(tensor->data, size_t(header.bytes));
}

Error Runner::receiveResult() {
  RemoteResult result;
  if (Error error = receive(&result, sizeof(result)))
    return error;
  if (result.status == MOEC_OK)
    return Error::success();
  // A message of ours is a line or two; other numbers are no answer of ours.
  if (result.bytes < 0 || result.bytes > 1 << 16)
    return goneError();
  std::string message(size_t(result.bytes), '\0');
  if (Error error = receive(message.data(), message.size()))
    return error;
  return inputError("the runner says: {}", printable(message));
}

Error Runner::run(int32_t layer, ArrayRef<const DLTensor *> inputs,
                  ArrayRef<DLTensor *> outputs, uint64_t flags) {
  RemoteCall call = {layer, int32_t(inputs.size()), int32_t(outputs.size()), 0,
                     flags};
  if (Error error = send(&call, sizeof(call)))
    return error;
  for (const DLTensor *tensor : concat<const DLTensor *const>(
           inputs, ArrayRef<const DLTensor *>(outputs.data(), outputs.size())))
    if (Error error = sendTensor(tensor))
      return error;
  if (Error error = receiveResult())
    return error;
  for (DLTensor *output : outputs)
    if (output)
      if (Error error = receive(output->data, size_t(sizeInBytes(*output))))
        return error;
  return Error::success();
}

} // namespace moec::driver

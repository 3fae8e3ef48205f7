//===- Progress.h - A line for whatever takes long --------------*- C++ -*-===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Work that takes more than two seconds on a terminal shows a line that says
// what is going on, how far it has got and for how long. The line disappears
// when the work is done.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_LIB_DRIVER_PROGRESS_H
#define MOEC_LIB_DRIVER_PROGRESS_H

#include "Console.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace moec::driver {

class Progress {
public:
  Progress(const Console &console, llvm::StringRef what);
  ~Progress() { finish(); }
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// Takes the line away, so that something else can be printed.
  void finish();
  /// Changes what is going on.
  void setWhat(llvm::StringRef text);
  /// `done` of `total` bytes. May be called by any thread.
  void update(uint64_t done, uint64_t total);

private:
  void run();
  std::string line() const;

  std::mutex mutex;
  std::condition_variable wake;
  std::string what;
  uint64_t done = 0, total = 0;
  bool finished = false;
  std::chrono::steady_clock::time_point start;
  std::thread thread;
};

} // namespace moec::driver

#endif // MOEC_LIB_DRIVER_PROGRESS_H

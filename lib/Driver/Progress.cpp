//===- Progress.cpp - A line for whatever takes long ----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread draws the line, so that work need not report to be seen alive.
//
//===----------------------------------------------------------------------===//

#include "Progress.h"

#include "moec/Support/Text.h"

#include "llvm/Support/Process.h"

using namespace llvm;

namespace moec::driver {

constexpr auto patience = std::chrono::seconds(2);
constexpr auto interval = std::chrono::milliseconds(200);

Progress::Progress(const Console &console, StringRef what)
    : what(what), start(std::chrono::steady_clock::now()) {
  if (console.showsProgress())
    thread = std::thread([this] { run(); });
}

void Progress::finish() {
  if (!thread.joinable())
    return;
  {
    std::lock_guard lock(mutex);
    finished = true;
  }
  wake.notify_one();
  thread.join();
}

void Progress::setWhat(StringRef text) {
  std::lock_guard lock(mutex);
  what = text.str();
  done = total = 0;
}

void Progress::update(uint64_t newDone, uint64_t newTotal) {
  std::lock_guard lock(mutex);
  done = newDone;
  total = newTotal;
}

std::string Progress::line() const {
  auto elapsed = std::chrono::steady_clock::now() - start;
  double seconds = std::chrono::duration<double>(elapsed).count();
  std::string text = what;
  if (total > 0)
    text += fmt::format("  {} of {} ({:.0f} %)", formatBytes(done),
                        formatBytes(total), 100 * double(done) / double(total));
  text += fmt::format("  {:.0f} s", seconds);
  // A line that wraps could not be taken back.
  if (unsigned columns = sys::Process::StandardErrColumns())
    text.resize(std::min<size_t>(text.size(), columns - 1));
  return text;
}

void Progress::run() {
  std::unique_lock lock(mutex);
  if (wake.wait_for(lock, patience, [&] { return finished; }))
    return;
  do {
    // Back to the first column, the line, and away with the rest of the old.
    errs() << "\r" << line() << "\x1b[K";
  } while (!wake.wait_for(lock, interval, [&] { return finished; }));
  errs() << "\r\x1b[K";
}

} // namespace moec::driver

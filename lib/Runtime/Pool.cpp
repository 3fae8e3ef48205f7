//===- Pool.cpp - a team of threads ---------------------------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Start and end of the team and of a run.
//
//===----------------------------------------------------------------------===//

#include "Pool.h"
#include "Affinity.h"
#include "Clock.h"

#include <cfenv>
#include <csignal>
#include <pthread.h>
#include <system_error>

namespace moec {

namespace {

/// Blocks all signals while workers are created, which inherit the mask: a
/// signal of the host program is none of their business.
class SignalsBlocked {
public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &saved, nullptr); }

private:
  sigset_t saved;
};

/// Gives the calling thread the default floating-point modes, as the workers
/// have them, so that rows do not depend on the thread that computes them.
class DefaultFloatModes {
public:
  DefaultFloatModes() {
    std::fegetenv(&saved);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloatModes() { std::fesetenv(&saved); }

private:
  std::fenv_t saved;
};

} // namespace

/// A team larger than what can run at once must not spin: those who wait would
/// keep those they wait for from running. One whose threads sleep, or are tied
/// to CPUs, cannot tell by their time which CPUs others want.
static PoolOptions adjusted(PoolOptions options) {
  if (options.threads > usableCpuCount())
    options.spinNanoseconds = 0;
  if (options.spinNanoseconds == 0 || options.pin)
    options.yield = false;
  return options;
}

/// Measuring takes about two microseconds. Runs that are shorter than this do
/// without: many of them fit into a turn of another program.
static constexpr int64_t kMeasuredNanoseconds = 200000;

/// No machine has as many CPUs.
static constexpr int kCountBits = 16;

/// How many threads take part in the run that `started` tells of.
static int32_t countOf(uint32_t started) {
  return int32_t(started & ((1u << kCountBits) - 1));
}

Pool::Pool(const PoolOptions &given)
    : options(adjusted(given)), teamSize(options.threads),
      teamBarrier(options.threads, options.spinNanoseconds) {}

Status Pool::create(const PoolOptions &options, std::unique_ptr<Pool> &pool) {
  std::unique_ptr<Pool> made(new Pool(options));
  std::vector<int> cpus = allowedCpus();
  SignalsBlocked blocked;
  made->workers.reserve(options.threads - 1);
  for (int32_t thread = 1; thread < options.threads; ++thread) {
    int cpu = options.pin ? cpus[thread % cpus.size()] : -1;
    // Starting a thread is the one thing here that throws on its own account.
    try {
      made->workers.emplace_back(&Pool::work, made.get(), thread, cpu);
    } catch (const std::system_error &failure) {
      return makeError(MOEC_ERROR_SYSTEM,
                       "cannot start thread {} of {}: {}; ask for fewer "
                       "threads or raise the limit on processes",
                       thread + 1, options.threads, failure.code().message());
    }
  }
  pool = std::move(made);
  return Status::ok();
}

Pool::~Pool() {
  body = nullptr;
  start(options.threads);
  for (std::thread &worker : workers)
    worker.join();
}

void Pool::start(int32_t count) {
  uint32_t run = (started.value() >> kCountBits) + 1;
  started.publish(run << kCountBits | uint32_t(count));
}

void Pool::takePart(int32_t thread, int32_t count) {
  if (!measures)
    return body(state, thread, count);
  int64_t before = ownCpuNanoseconds();
  body(state, thread, count);
  int64_t used = ownCpuNanoseconds() - before;
  lost.fetch_add(nowNanoseconds() - startTime - used,
                 std::memory_order_relaxed);
}

void Pool::run(Body newBody, void *newState) {
  DefaultFloatModes modes;
  int32_t count = options.threads;
  if (options.yield) {
    startTime = nowNanoseconds();
    count = teamSize.choose(startTime);
  }
  teamBarrier.resize(count);
  if (count == 1) {
    newBody(newState, 0, 1);
    return;
  }
  body = newBody;
  state = newState;
  measures = lastWall > kMeasuredNanoseconds;
  lost.store(0, std::memory_order_relaxed);
  working.store(count - 1, std::memory_order_relaxed);
  uint32_t before = finished.value();
  start(count);
  takePart(0, count);
  finished.waitWhile(before, options.spinNanoseconds);
  if (options.yield)
    remember(nowNanoseconds());
}

void Pool::remember(int64_t now) {
  lastWall = now - startTime;
  if (measures)
    teamSize.ran(lastWall, lost.load(std::memory_order_relaxed), now);
}

void Pool::work(int32_t thread, int cpu) {
  if (cpu >= 0)
    pinThisThread(cpu);
  pthread_setname_np(pthread_self(), fmt::format("moec-{}", thread).c_str());
  std::fesetenv(FE_DFL_ENV);
  for (uint32_t seen = 0;;) {
    started.waitWhile(seen, options.spinNanoseconds);
    seen = started.value();
    // Nobody waits for a thread that is left out, so all else may change.
    int32_t count = countOf(seen);
    if (thread >= count)
      continue;
    if (!body)
      return;
    takePart(thread, count);
    if (working.fetch_sub(1, std::memory_order_acq_rel) == 1)
      finished.publish(seen);
  }
}

} // namespace moec

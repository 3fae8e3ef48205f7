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
/// keep those they wait for from running.
static PoolOptions adjusted(PoolOptions options) {
  if (options.threads > usableCpuCount())
    options.spinNanoseconds = 0;
  return options;
}

Pool::Pool(const PoolOptions &given)
    : options(adjusted(given)),
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
  started.publish(started.value() + 1);
  for (std::thread &worker : workers)
    worker.join();
}

void Pool::run(Body newBody, void *newState) {
  DefaultFloatModes modes;
  if (options.threads == 1) {
    newBody(newState, 0, 1);
    return;
  }
  uint32_t current = started.value() + 1;
  body = newBody;
  state = newState;
  working.store(options.threads - 1, std::memory_order_relaxed);
  started.publish(current);
  newBody(newState, 0, options.threads);
  // `finished` lags by one exactly while workers are busy.
  finished.waitWhile(current - 1, options.spinNanoseconds);
}

void Pool::work(int32_t thread, int cpu) {
  if (cpu >= 0)
    pinThisThread(cpu);
  pthread_setname_np(pthread_self(), fmt::format("moec-{}", thread).c_str());
  std::fesetenv(FE_DFL_ENV);
  for (uint32_t seen = 0;;) {
    started.waitWhile(seen, options.spinNanoseconds);
    ++seen;
    if (!body)
      return;
    body(state, thread, options.threads);
    if (working.fetch_sub(1, std::memory_order_acq_rel) == 1)
      finished.publish(seen);
  }
}

} // namespace moec

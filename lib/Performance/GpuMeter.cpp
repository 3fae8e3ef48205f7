//===- GpuMeter.cpp - Timing calls on the driver's GPU --------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver is opened at run time; its functions are declared here by their
// documented binary interface.
//
//===----------------------------------------------------------------------===//

#include "moec/Performance/GpuMeter.h"
#include "moec/Support/Error.h"

#include <dlfcn.h>
#include <fmt/format.h>

using namespace llvm;

namespace moec::perf {

GpuMeter::~GpuMeter() = default;

namespace {

// Names and numbers as in cuda.h.
using CUresult = int;
using CUdeviceptr = unsigned long long;
enum DeviceAttribute {
  ClockRateInKhz = 13,
  MultiprocessorCount = 16,
  CapabilityMajor = 75,
  CapabilityMinor = 76
};
constexpr unsigned kNonBlocking = 1;   // CU_STREAM_NON_BLOCKING
constexpr int kCaptureThreadLocal = 1; // CU_STREAM_CAPTURE_MODE_THREAD_LOCAL

struct Driver {
  CUresult (*init)(unsigned);
  CUresult (*getErrorString)(CUresult, const char **);
  CUresult (*deviceGet)(int *, int);
  CUresult (*deviceGetName)(char *, int, int);
  CUresult (*getAttribute)(int *, int, int);
  CUresult (*retain)(void **, int);
  CUresult (*setCurrent)(void *);
  CUresult (*streamCreate)(void **, unsigned);
  CUresult (*beginCapture)(void *, int);
  CUresult (*endCapture)(void *, void **);
  CUresult (*instantiate)(void **, void *, unsigned long long);
  CUresult (*launchGraph)(void *, void *);
  CUresult (*destroyExec)(void *);
  CUresult (*destroyGraph)(void *);
  CUresult (*eventCreate)(void **, unsigned);
  CUresult (*eventRecord)(void *, void *);
  CUresult (*eventSynchronize)(void *);
  CUresult (*eventElapsed)(float *, void *, void *);
  CUresult (*allocate)(CUdeviceptr *, size_t);
  CUresult (*free)(CUdeviceptr);
  CUresult (*copy)(CUdeviceptr, CUdeviceptr, size_t, void *);

  Error open();
  Error check(StringRef what, CUresult result) const;
};

/// A captured sequence of calls.
class Graph {
public:
  explicit Graph(const Driver &driver) : driver(driver) {}
  ~Graph() {
    if (exec)
      (void)driver.destroyExec(exec);
    if (graph)
      (void)driver.destroyGraph(graph);
  }
  Graph(const Graph &) = delete;
  Graph &operator=(const Graph &) = delete;

  void *graph = nullptr, *exec = nullptr;

private:
  const Driver &driver;
};

class CudaMeter : public GpuMeter {
public:
  Error open();
  StringRef name() const override { return deviceName; }
  StringRef chip() const override { return chipName; }
  Expected<Timing>
  measure(ArrayRef<Work> inputs, Arithmetic arithmetic,
          const MeasureOptions &options,
          function_ref<Error(size_t, void *)> enqueue) override;

private:
  Error capture(size_t calls, function_ref<Error(size_t, void *)> enqueue,
                Graph &graph);
  /// Seconds that what `enqueue` puts on the stream takes.
  Expected<double> time(function_ref<CUresult()> enqueue);
  Expected<double> readRate();
  double peak(Arithmetic arithmetic) const;

  Driver driver = {};
  void *stream = nullptr, *begin = nullptr, *end = nullptr;
  std::string deviceName, chipName;
  GpuChip limits = {};
  double clock = 0;
  int multiprocessors = 0;
};

} // namespace

Error Driver::open() {
  constexpr const char *file = "libcuda.so.1";
  void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return inputError("there is no CUDA driver on this machine ({}); run it "
                      "where there is one, or with --device=cpu",
                      dlerror());
  const char *missing = nullptr;
  auto find = [&](const char *symbol, auto &function) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(
        dlsym(library, symbol));
    if (!function)
      missing = symbol;
  };
  find("cuInit", init);
  find("cuGetErrorString", getErrorString);
  find("cuDeviceGet", deviceGet);
  find("cuDeviceGetName", deviceGetName);
  find("cuDeviceGetAttribute", getAttribute);
  find("cuDevicePrimaryCtxRetain", retain);
  find("cuCtxSetCurrent", setCurrent);
  find("cuStreamCreate", streamCreate);
  find("cuStreamBeginCapture_v2", beginCapture);
  find("cuStreamEndCapture", endCapture);
  find("cuGraphInstantiateWithFlags", instantiate);
  find("cuGraphLaunch", launchGraph);
  find("cuGraphExecDestroy", destroyExec);
  find("cuGraphDestroy", destroyGraph);
  find("cuEventCreate", eventCreate);
  find("cuEventRecord", eventRecord);
  find("cuEventSynchronize", eventSynchronize);
  find("cuEventElapsedTime", eventElapsed);
  find("cuMemAlloc_v2", allocate);
  find("cuMemFree_v2", free);
  find("cuMemcpyDtoDAsync_v2", copy);
  if (missing)
    return inputError("{} lacks {}; bench needs the driver of CUDA 11.4 or "
                      "newer",
                      file, missing);
  return Error::success();
}

Error Driver::check(StringRef what, CUresult result) const {
  if (result == 0)
    return Error::success();
  const char *text = nullptr;
  if (getErrorString(result, &text) != 0 || !text)
    text = "unknown error";
  return inputError("{} failed: {} ({})", what, text, result);
}

Error CudaMeter::open() {
  if (Error error = driver.open())
    return error;
  int device = 0, khz = 0, major = 0, minor = 0;
  char text[256] = {};
  void *context = nullptr;
  CUresult result = driver.init(0);
  auto then = [&](auto call) {
    if (result == 0)
      result = call();
  };
  auto attribute = [&](DeviceAttribute which, int &value) {
    then([&] { return driver.getAttribute(&value, which, device); });
  };
  then([&] { return driver.deviceGet(&device, 0); });
  then([&] { return driver.deviceGetName(text, sizeof(text), device); });
  attribute(ClockRateInKhz, khz);
  attribute(MultiprocessorCount, multiprocessors);
  attribute(CapabilityMajor, major);
  attribute(CapabilityMinor, minor);
  then([&] { return driver.retain(&context, device); });
  then([&] { return driver.setCurrent(context); });
  then([&] { return driver.streamCreate(&stream, kNonBlocking); });
  then([&] { return driver.eventCreate(&begin, 0); });
  then([&] { return driver.eventCreate(&end, 0); });
  if (Error error = driver.check("opening the GPU", result))
    return error;
  constexpr int archSpecificFrom = 9;
  chipName = fmt::format("sm_{}{}{}", major, minor,
                         major >= archSpecificFrom ? "a" : "");
  Expected<GpuChip> known = gpuChip(chipName);
  if (!known)
    return known.takeError();
  limits = *known;
  deviceName = text;
  clock = double(khz) * 1e3;
  return Error::success();
}

Error CudaMeter::capture(size_t calls,
                         function_ref<Error(size_t, void *)> enqueue,
                         Graph &graph) {
  if (Error error = driver.check(
          "capturing", driver.beginCapture(stream, kCaptureThreadLocal)))
    return error;
  Error error = Error::success();
  for (size_t i = 0; i < calls && !error; ++i)
    error = enqueue(i, stream);
  // The capture ends whether the calls failed or not.
  CUresult ended = driver.endCapture(stream, &graph.graph);
  if (error)
    return error;
  if (Error failed = driver.check("capturing", ended))
    return failed;
  return driver.check("making a graph",
                      driver.instantiate(&graph.exec, graph.graph, 0));
}

Expected<double> CudaMeter::time(function_ref<CUresult()> enqueue) {
  float milliseconds = 0;
  CUresult result = driver.eventRecord(begin, stream);
  auto then = [&](auto call) {
    if (result == 0)
      result = call();
  };
  then(enqueue);
  then([&] { return driver.eventRecord(end, stream); });
  then([&] { return driver.eventSynchronize(end); });
  then([&] { return driver.eventElapsed(&milliseconds, begin, end); });
  if (Error error = driver.check("timing", result))
    return std::move(error);
  return milliseconds * 1e-3;
}

Expected<double> CudaMeter::readRate() {
  constexpr size_t bytes = size_t(512) << 20;
  constexpr int copies = 8;
  CUdeviceptr from = 0, to = 0;
  CUresult result = driver.allocate(&from, bytes);
  if (result == 0)
    result = driver.allocate(&to, bytes);
  double best = 0;
  Error error = driver.check("taking memory to calibrate with", result);
  for (int i = 0; i < copies && !error; ++i) {
    Expected<double> seconds =
        time([&] { return driver.copy(to, from, bytes, stream); });
    if (seconds)
      best = std::max(best, 2 * double(bytes) / *seconds);
    else
      error = seconds.takeError();
  }
  (void)driver.free(to);
  (void)driver.free(from);
  if (error)
    return std::move(error);
  return best;
}

double CudaMeter::peak(Arithmetic arithmetic) const {
  // The back end multiplies codes of 8 bits as numbers of 16.
  int64_t perClock = arithmetic == Arithmetic::F32 ? limits.floatMultiplyAdds
                                                   : limits.multiplyAdds;
  return 2 * double(perClock) * multiprocessors * clock;
}

Expected<Timing>
CudaMeter::measure(ArrayRef<Work> inputs, Arithmetic arithmetic,
                   const MeasureOptions &options,
                   function_ref<Error(size_t, void *)> enqueue) {
  Graph graph(driver);
  if (Error error = capture(inputs.size(), enqueue, graph))
    return std::move(error);
  Expected<double> rate = readRate();
  if (!rate)
    return rate.takeError();
  Timing timing;
  timing.rates = {peak(arithmetic), *rate};
  double least = 0;
  int64_t computeBound = 0, calls = int64_t(inputs.size());
  for (const Work &work : inputs) {
    least += work.roofline(timing.rates);
    computeBound += work.computeBound(timing.rates);
  }
  // The first replays load what the graph needs.
  constexpr int warmUps = 3;
  std::vector<double> times;
  double all = 0;
  for (int i = 0;
       i < warmUps || all < options.seconds || timing.calls < options.calls;
       ++i) {
    Expected<double> seconds =
        time([&] { return driver.launchGraph(graph.exec, stream); });
    if (!seconds)
      return seconds.takeError();
    if (i < warmUps)
      continue;
    times.push_back(*seconds / double(calls));
    all += *seconds;
    timing.calls += calls;
  }
  timing.median = quantile(times, 0.5);
  timing.best = quantile(times, 0);
  timing.low = quantile(times, 0.1);
  timing.high = quantile(times, 0.9);
  timing.rooflineRatio = least / double(calls) / timing.median;
  timing.computeBound = 2 * computeBound > calls;
  return timing;
}

Expected<std::unique_ptr<GpuMeter>> GpuMeter::open() {
  auto meter = std::make_unique<CudaMeter>();
  if (Error error = meter->open())
    return std::move(error);
  return meter;
}

} // namespace moec::perf

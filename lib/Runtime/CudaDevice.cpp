//===- CudaDevice.cpp - the CUDA driver's first GPU -----------------------===//
//
// Part of moec, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The driver is opened at run time and nothing of the toolkit is needed to
// build: the few functions are declared here, by the driver's documented
// binary interface. Launches only enqueue, so that they can be captured in a
// graph.
//
//===----------------------------------------------------------------------===//

#include "CudaDevice.h"

#include <cstring>
#include <dlfcn.h>
#include <mutex>

namespace moec {

namespace {

// Names and numbers as in cuda.h.
using CUresult = int;
using CUdeviceptr = unsigned long long;
constexpr CUresult kSuccess = 0;
/// CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
constexpr int kMaxDynamicShared = 8;
/// What a block may have without asking.
constexpr int32_t kCommonShared = 48 * 1024;
/// CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT
constexpr int kMultiprocessorCount = 16;
/// CU_STREAM_NON_BLOCKING
constexpr unsigned kNonBlocking = 1;

/// CUlaunchAttribute.
struct LaunchAttribute {
  int32_t id;
  int32_t padding = 0;
  uint32_t value[16] = {};
};
/// CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION
constexpr int32_t kCluster = 4;
/// CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION
constexpr int32_t kOverlap = 6;
/// The version of the driver from which on a graph can capture that: 12.3.
constexpr int kOverlapsInGraphs = 12030;

/// CUlaunchConfig.
struct LaunchConfig {
  uint32_t grid[3], block[3], sharedBytes;
  void *stream;
  LaunchAttribute *attributes;
  uint32_t numAttributes;
};

/// Keeps a message until the thread's next one.
const char *keep(std::string text) {
  thread_local std::string message;
  message = std::move(text);
  return message.c_str();
}

struct CudaDevice {
  void *library = nullptr;
  void *context = nullptr, *stream = nullptr;
  /// Filled once the device is open.
  moec_device interface;

  CUresult (*init)(unsigned) = nullptr;
  CUresult (*getErrorString)(CUresult, const char **) = nullptr;
  CUresult (*deviceGet)(int *, int) = nullptr;
  CUresult (*retain)(void **, int) = nullptr;
  CUresult (*setCurrent)(void *) = nullptr;
  CUresult (*streamCreate)(void **, unsigned) = nullptr;
  CUresult (*streamSynchronize)(void *) = nullptr;
  CUresult (*moduleLoad)(void **, const void *) = nullptr;
  CUresult (*moduleUnload)(void *) = nullptr;
  CUresult (*getFunction)(void **, void *, const char *) = nullptr;
  CUresult (*setAttribute)(void *, int, int) = nullptr;
  CUresult (*allocate)(CUdeviceptr *, size_t) = nullptr;
  CUresult (*free)(CUdeviceptr) = nullptr;
  CUresult (*toDevice)(CUdeviceptr, const void *, size_t, void *) = nullptr;
  CUresult (*toHost)(void *, CUdeviceptr, size_t, void *) = nullptr;
  CUresult (*launch)(const LaunchConfig *, void *, void **, void **) = nullptr;
  CUresult (*getAttribute)(int *, int, int) = nullptr;
  CUresult (*getVersion)(int *) = nullptr;
  /// Null before CUDA 12.
  CUresult (*encodeTiled)(void *, int, uint32_t, void *, const uint64_t *,
                          const uint64_t *, const uint32_t *, const uint32_t *,
                          int, int, int, int) = nullptr;
  int multiprocessors = 0;
  /// Whether launches may overlap, in a graph too.
  bool overlaps = false;

  void *streamOr(void *given) const { return given ? given : stream; }

  /// Null, or what `what` failed with; every call is on the context of this
  /// device, whatever thread makes it.
  const char *report(const char *what, CUresult result) {
    if (result == kSuccess)
      return nullptr;
    const char *text = nullptr;
    if (getErrorString(result, &text) != kSuccess || !text)
      text = "unknown error";
    return keep(fmt::format("{} failed: {} ({})", what, text, result));
  }

  Status open();
};

} // namespace

template <typename Function>
static bool find(void *library, const char *name, Function &function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

Status CudaDevice::open() {
  constexpr const char *file = "libcuda.so.1";
  library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return makeError(MOEC_ERROR_DEVICE,
                     "there is no CUDA driver on this machine ({}); run it "
                     "where there is one, or with --device=emulator",
                     dlerror());
  bool found = find(library, "cuInit", init) &&
               find(library, "cuGetErrorString", getErrorString) &&
               find(library, "cuDeviceGet", deviceGet) &&
               find(library, "cuDevicePrimaryCtxRetain", retain) &&
               find(library, "cuCtxSetCurrent", setCurrent) &&
               find(library, "cuStreamCreate", streamCreate) &&
               find(library, "cuStreamSynchronize", streamSynchronize) &&
               find(library, "cuModuleLoadData", moduleLoad) &&
               find(library, "cuModuleUnload", moduleUnload) &&
               find(library, "cuModuleGetFunction", getFunction) &&
               find(library, "cuFuncSetAttribute", setAttribute) &&
               find(library, "cuMemAlloc_v2", allocate) &&
               find(library, "cuMemFree_v2", free) &&
               find(library, "cuMemcpyHtoDAsync_v2", toDevice) &&
               find(library, "cuMemcpyDtoHAsync_v2", toHost) &&
               find(library, "cuLaunchKernelEx", launch) &&
               find(library, "cuDeviceGetAttribute", getAttribute) &&
               find(library, "cuDriverGetVersion", getVersion);
  (void)find(library, "cuTensorMapEncodeTiled", encodeTiled);
  if (!found)
    return makeError(MOEC_ERROR_DEVICE,
                     "{} lacks a function of the CUDA driver: {}", file,
                     dlerror());
  int device = 0;
  const char *failure = report("cuInit", init(0));
  if (!failure)
    failure = report("cuDeviceGet", deviceGet(&device, 0));
  if (!failure)
    failure =
        report("cuDeviceGetAttribute",
               getAttribute(&multiprocessors, kMultiprocessorCount, device));
  int version = 0;
  if (!failure)
    failure = report("cuDriverGetVersion", getVersion(&version));
  overlaps = version >= kOverlapsInGraphs;
  if (!failure)
    failure = report("cuDevicePrimaryCtxRetain", retain(&context, device));
  if (!failure)
    failure = report("cuCtxSetCurrent", setCurrent(context));
  if (!failure)
    failure = report("cuStreamCreate", streamCreate(&stream, kNonBlocking));
  if (failure)
    return makeError(MOEC_ERROR_DEVICE, "there is no GPU to run on: {}",
                     failure);
  return Status::ok();
}

//===----------------------------------------------------------------------===//
// The interface
//===----------------------------------------------------------------------===//

/// The device, with its context current on this thread.
static CudaDevice &enter(void *state) {
  CudaDevice &device = *static_cast<CudaDevice *>(state);
  (void)device.setCurrent(device.context);
  return device;
}

static const char *loadModule(void *state, const char *kind, const void *image,
                              int64_t bytes, void **module) {
  CudaDevice &device = enter(state);
  // PTX has to end in a zero.
  std::string text(static_cast<const char *>(image), size_t(bytes));
  bool isText = std::strcmp(kind, "ptx") == 0;
  return device.report(
      "cuModuleLoadData",
      device.moduleLoad(module, isText ? text.c_str() : image));
}

static void unloadModule(void *state, void *module) {
  (void)enter(state).moduleUnload(module);
}

static const char *allocateMemory(void *state, int64_t bytes, void **memory) {
  CudaDevice &device = enter(state);
  CUdeviceptr pointer = 0;
  const char *failure =
      device.report("cuMemAlloc", device.allocate(&pointer, size_t(bytes)));
  *memory = reinterpret_cast<void *>(pointer);
  return failure;
}

static void releaseMemory(void *state, void *memory) {
  (void)enter(state).free(reinterpret_cast<CUdeviceptr>(memory));
}

static const char *wait(void *state, void *stream) {
  CudaDevice &device = enter(state);
  return device.report("cuStreamSynchronize",
                       device.streamSynchronize(device.streamOr(stream)));
}

/// The driver has copied pageable memory once the call returns; of memory that
/// the caller has pinned it goes on reading, so that is waited for.
static const char *upload(void *state, void *stream, void *to, const void *from,
                          int64_t bytes) {
  CudaDevice &device = enter(state);
  const char *failure =
      device.report("cuMemcpyHtoDAsync",
                    device.toDevice(reinterpret_cast<CUdeviceptr>(to), from,
                                    size_t(bytes), device.streamOr(stream)));
  return failure ? failure : wait(state, stream);
}

static const char *download(void *state, void *stream, void *to,
                            const void *from, int64_t bytes) {
  CudaDevice &device = enter(state);
  const char *failure =
      device.report("cuMemcpyDtoHAsync",
                    device.toHost(to, reinterpret_cast<CUdeviceptr>(from),
                                  size_t(bytes), device.streamOr(stream)));
  return failure ? failure : wait(state, stream);
}

static const char *launchKernel(void *state, void *module,
                                const moec_launch *launch) {
  CudaDevice &device = enter(state);
  void *function = nullptr;
  if (const char *failure =
          device.report("cuModuleGetFunction",
                        device.getFunction(&function, module, launch->kernel)))
    return failure;
  if (launch->shared_bytes > kCommonShared)
    if (const char *failure =
            device.report("cuFuncSetAttribute",
                          device.setAttribute(function, kMaxDynamicShared,
                                              launch->shared_bytes)))
      return failure;
  LaunchAttribute attributes[2];
  uint32_t numAttributes = 0;
  if (launch->cluster > 1)
    attributes[numAttributes++] = {
        kCluster, 0, {uint32_t(launch->cluster), 1, 1}};
  if (device.overlaps && launch->overlaps)
    attributes[numAttributes++] = {kOverlap, 0, {1}};
  LaunchConfig config = {
      {uint32_t(launch->blocks[0]), uint32_t(launch->blocks[1]), 1},
      {uint32_t(launch->threads), 1, 1},
      uint32_t(launch->shared_bytes),
      device.streamOr(launch->stream),
      attributes,
      numAttributes};
  return device.report(
      "cuLaunchKernelEx",
      device.launch(&config, function, launch->arguments, nullptr));
}

static const char *makeTensorMap(void *state, const moec_matrix *matrix,
                                 void *map) {
  // CU_TENSOR_MAP_DATA_TYPE_UINT8, _UINT16, _UINT32 and _UINT64: only bytes
  // are moved.
  constexpr int types[] = {0, 1, 2, 4};
  constexpr int noInterleave = 0, swizzle128 = 3, promoteTo256 = 3, zeros = 0;
  constexpr uint32_t boxBytes = 128, stride = 1, rank = 2;
  CudaDevice &device = enter(state);
  uint32_t size = uint32_t(matrix->element_bytes);
  if (!device.encodeTiled || __builtin_popcount(size) != 1 || size > 8) {
    return keep(fmt::format(
        "cannot make a tensor map of numbers of {} bytes; it needs a driver of "
        "CUDA 12 or newer and 1, 2, 4 or 8 bytes",
        size));
  }
  const uint64_t sizes[] = {uint64_t(matrix->cols), uint64_t(matrix->rows)};
  const uint64_t rowBytes = uint64_t(matrix->cols) * size;
  const uint32_t box[] = {boxBytes / size, uint32_t(matrix->box_rows)};
  const uint32_t strides[] = {stride, stride};
  return device.report("cuTensorMapEncodeTiled",
                       device.encodeTiled(map, types[__builtin_ctz(size)], rank,
                                          matrix->memory, sizes, &rowBytes, box,
                                          strides, noInterleave, swizzle128,
                                          promoteTo256, zeros));
}

Status cudaDevice(const moec_device *&result) {
  static std::mutex mutex;
  static CudaDevice device;
  static const char *const images[] = {"cubin", "ptx", nullptr};
  std::lock_guard<std::mutex> lock(mutex);
  if (!device.stream) {
    if (Status status = device.open(); status.failed())
      return status;
    device.interface = {sizeof(moec_device),
                        &device,
                        images,
                        {kDLCUDA, 0},
                        loadModule,
                        unloadModule,
                        allocateMemory,
                        releaseMemory,
                        upload,
                        download,
                        wait,
                        launchKernel,
                        device.multiprocessors,
                        makeTensorMap,
                        /*chip=*/nullptr};
  }
  result = &device.interface;
  return Status::ok();
}

} // namespace moec

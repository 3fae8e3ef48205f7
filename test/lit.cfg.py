# Configuration of the lit tests. No generated file is needed:
#
#   lit-22 -sv test -DMOEC_BIN=build/bin
#
# Parameters:
#   MOEC_BIN       where the project's tools are; build/bin by default
#   MOEC_LIB       where its shared libraries are; MOEC_BIN/../lib by default
#   LLVM_BIN       where FileCheck and mlir-opt are; asked of llvm-config-22
#   MOEC_SANITIZE  the sanitizers the tools were built with, if any
#   MOEC_QUICK     leaves out what takes long, for the edit loop
import ctypes
import os
import shutil
import subprocess
import sys

import lit.formats

source = os.path.dirname(os.path.abspath(__file__))


def param(name, default):
    return lit_config.params.get(name) or default


def llvmBin():
    for tool in ("llvm-config-22", "llvm-config"):
        if shutil.which(tool):
            return subprocess.check_output([tool, "--bindir"], text=True).strip()
    lit_config.fatal("no llvm-config-22 on PATH; pass -DLLVM_BIN=PREFIX/bin")


bin = os.path.abspath(param("MOEC_BIN", os.path.join(source, "..", "build", "bin")))
lib = os.path.abspath(param("MOEC_LIB", os.path.join(bin, "..", "lib")))
llvm = param("LLVM_BIN", None) or llvmBin()

if not os.path.exists(os.path.join(bin, "moe-opt")):
    lit_config.fatal(f"no moe-opt in {bin}; build it or pass -DMOEC_BIN=DIR")
if not os.path.exists(os.path.join(llvm, "FileCheck")):
    lit_config.fatal(f"no FileCheck in {llvm}; pass -DLLVM_BIN=PREFIX/bin")

config.name = "moec"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "unit", "fuzz", "models", "bench"]
config.test_source_root = source
config.test_exec_root = os.path.join(bin, "..", "test-output")

config.environment["PATH"] = os.pathsep.join([bin, llvm, os.environ["PATH"]])
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"
config.environment["FILECHECK_OPTS"] = "--dump-input-filter=annotation --enable-var-scope"

config.substitutions += [
    ("%python", f'"{sys.executable}"'),
    ("%project", os.path.dirname(source)),
    ("%moec_build", os.path.dirname(bin)),
    ("%moec_bin", bin),
    ("%moec_lib", lib),
    ("%llvm_bin", llvm),
]

# Features: the architecture (x86_64, aarch64), and what tests depend on.
config.available_features.add(os.uname().machine)
if param("MOEC_SANITIZE", ""):
    config.available_features.add("sanitizer")
if param("MOEC_QUICK", ""):
    config.available_features.add("quick")
# Kernels for 64-bit Arm run in an emulator, by a run time that is built for it.
runner = os.path.join(os.path.dirname(bin), "aarch64", "bin", "moec-runner")
if shutil.which("qemu-aarch64") and os.path.exists(runner):
    config.available_features.add("qemu-aarch64")
config.substitutions.append(
    ("%aarch64_runner", f"qemu-aarch64 -L /usr/aarch64-linux-gnu '{runner}'")
)
# A small file system of its own, for tests of full and read-only disks.
if subprocess.run(
    ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", source], stderr=subprocess.DEVNULL
).returncode == 0:
    config.available_features.add("small-disk")
# NVIDIA's assembler, where moec looks for it.
if shutil.which("ptxas", path=os.pathsep.join(
        [os.environ.get("CUDA_HOME", "/usr/local/cuda") + "/bin", os.environ["PATH"], "/usr/local/cuda/bin"])):
    config.available_features.add("ptxas")
# A GPU that the driver finds.
try:
    if ctypes.CDLL("libcuda.so.1").cuInit(0) == 0:
        config.available_features.add("cuda")
except OSError:
    pass
if shutil.which("mpirun"):
    config.available_features.add("mpi")

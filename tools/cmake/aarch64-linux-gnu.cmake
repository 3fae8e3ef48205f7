# Builds for 64-bit Arm on another machine, with clang and Debian's cross libraries
# (libstdc++-12-dev-arm64-cross):
#
#   cmake -G Ninja -B build-aarch64 --toolchain tools/cmake/aarch64-linux-gnu.cmake -DMOEC_RUNTIME_ONLY=ON
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
foreach(language C CXX)
  set(CMAKE_${language}_COMPILER_TARGET aarch64-linux-gnu)
endforeach()
set(CMAKE_C_COMPILER clang-22)
set(CMAKE_CXX_COMPILER clang++-22)
foreach(kind EXE SHARED MODULE)
  set(CMAKE_${kind}_LINKER_FLAGS_INIT -fuse-ld=lld)
endforeach()

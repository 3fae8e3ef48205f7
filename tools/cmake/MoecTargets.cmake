# How the project's libraries, tools and tests are declared: one line each.

# One precompiled header serves everything that includes MLIR.
set(MOEC_PCH_HEADERS
  <mlir/IR/BuiltinOps.h> <mlir/IR/PatternMatch.h>
  <mlir/IR/DialectImplementation.h> <mlir/Dialect/Arith/IR/Arith.h>
  <mlir/Dialect/Func/IR/FuncOps.h> <mlir/Dialect/Linalg/IR/Linalg.h>
  <mlir/Dialect/Math/IR/Math.h> <mlir/Dialect/MemRef/IR/MemRef.h>
  <mlir/Dialect/SCF/IR/SCF.h> <mlir/Dialect/Tensor/IR/Tensor.h>
  <mlir/Dialect/Vector/IR/VectorOps.h> <mlir/Pass/Pass.h>
  <mlir/Transforms/DialectConversion.h>
  <mlir/Transforms/GreedyPatternRewriteDriver.h>)

function(moec_common target)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:include>)
endfunction()

# LLVM and MLIR come as the two shared libraries, never as archives.
function(moec_use_mlir target)
  target_include_directories(${target} SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  target_link_libraries(${target} PUBLIC MLIR LLVM)
endfunction()

function(moec_use_pch target)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
    return()
  endif()
  if(NOT TARGET MoecPch)
    add_library(MoecPch STATIC ${PROJECT_BINARY_DIR}/moec_pch.cpp)
    file(WRITE ${PROJECT_BINARY_DIR}/moec_pch.cpp "// Holds the precompiled header.\n")
    moec_use_mlir(MoecPch)
    target_precompile_headers(MoecPch PRIVATE ${MOEC_PCH_HEADERS})
  endif()
  # Executables too are compiled -fPIC, or the header would not match.
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${target} PRIVATE -fPIC)
  target_precompile_headers(${target} REUSE_FROM MoecPch)
endfunction()

# moec_library(Name a.cpp b.cpp [MLIR] [LIBS X Y] [DEPENDS t])
#   MLIR: uses the MLIR headers, so compile with the precompiled header.
function(moec_library name)
  cmake_parse_arguments(ARG "MLIR" "" "LIBS;DEPENDS" ${ARGN})
  add_library(Moec${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  add_library(moec::${name} ALIAS Moec${name})
  moec_common(Moec${name})
  moec_use_mlir(Moec${name})
  target_link_libraries(Moec${name} PUBLIC ${ARG_LIBS} fmt::fmt)
  if(ARG_DEPENDS)
    add_dependencies(Moec${name} ${ARG_DEPENDS})
  endif()
  if(ARG_MLIR)
    moec_use_pch(Moec${name})
  endif()
endfunction()

# moec_tool(name main.cpp [MLIR] LIBS X Y)
function(moec_tool name)
  cmake_parse_arguments(ARG "MLIR" "" "LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  moec_common(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
  if(ARG_MLIR)
    moec_use_mlir(${name})
    moec_use_pch(${name})
  endif()
endfunction()

# moec_unit_test(Name a.cpp [MLIR] LIBS X): the gtest program bin/unit/Name
function(moec_unit_test name)
  cmake_parse_arguments(ARG "MLIR" "" "LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/unit)
  moec_common(${name})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} GTest::gtest_main)
  if(ARG_MLIR)
    moec_use_mlir(${name})
    moec_use_pch(${name})
  endif()
  add_dependencies(moec-unit-tests ${name})
endfunction()

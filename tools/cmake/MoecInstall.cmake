# What `cmake --install` puts where, and the package find_package(moec) finds:
# the dialect with its passes and pipelines (moec::Pipelines and what it is made
# of) for C++, the run time (moec::rt) for C, the tools and the plugin.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/moec)

foreach(part Dialect Transforms CodegenCommon CodegenCPU CodegenNVPTX Pipelines Support)
  set_target_properties(Moec${part} PROPERTIES EXPORT_NAME ${part})
  install(TARGETS Moec${part} EXPORT moecTargets)
endforeach()
set_target_properties(moec_rt PROPERTIES EXPORT_NAME rt)
install(TARGETS moec_rt EXPORT moecTargets)
install(EXPORT moecTargets NAMESPACE moec:: DESTINATION ${package_dir})

set_target_properties(moec moe-opt moe-lsp-server PROPERTIES
  INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR};${LLVM_LIBRARY_DIR}")
set_target_properties(MoePlugin PROPERTIES INSTALL_RPATH ${LLVM_LIBRARY_DIR})
install(TARGETS moec moe-opt moe-lsp-server)
install(TARGETS MoePlugin LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})

foreach(folder moec-c moec/Codegen moec/Dialect moec/Pipelines moec/Support)
  get_filename_component(parent ${folder} DIRECTORY)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/${folder}
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${parent})
endforeach()
install(DIRECTORY ${PROJECT_BINARY_DIR}/include/moec/Dialect
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/moec
        FILES_MATCHING PATTERN "*.h.inc")

configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/moecConfig.cmake.in ${PROJECT_BINARY_DIR}/moecConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/moecConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/moecConfig.cmake
              ${PROJECT_BINARY_DIR}/moecConfigVersion.cmake
        DESTINATION ${package_dir})

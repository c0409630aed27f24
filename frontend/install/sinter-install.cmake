# cmake --install and find_package(sinter): libraries, headers under include/sinter/, the tool, the package configuration.
include(CMakePackageConfigHelpers)
get_property(sinter_libraries GLOBAL PROPERTY SINTER_LIBRARIES)
install(TARGETS ${sinter_libraries} EXPORT sinter-targets)
if(TARGET sinter_tool)
  install(TARGETS sinter_tool)
endif()
install(EXPORT sinter-targets NAMESPACE sinter:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/sinter)

# Backends, the tool and the examples are nobody's interface; the rest keeps its place in the tree.
foreach(layer core ops passes runtime frontend)
  install(DIRECTORY ${layer} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sinter FILES_MATCHING PATTERN "*.h"
          PATTERN llvm EXCLUDE PATTERN onednn EXCLUDE PATTERN cli EXCLUDE PATTERN examples EXCLUDE
          PATTERN install EXCLUDE)
endforeach()
install(DIRECTORY ${CMAKE_BINARY_DIR}/include/sinter/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sinter)

configure_package_config_file(frontend/install/sinter-config.cmake.in ${CMAKE_BINARY_DIR}/sinter-config.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/sinter)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/sinter-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/sinter-config.cmake ${CMAKE_BINARY_DIR}/sinter-config-version.cmake
              frontend/install/sinter-dependencies.cmake frontend/install/sinter-add-model.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/sinter)

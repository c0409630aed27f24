# Finds everything Sinter links. The build and the installed package configuration both read this file,
# so the two cannot drift apart.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sinter_cairo REQUIRED IMPORTED_TARGET cairo)
pkg_check_modules(sinter_deflate REQUIRED IMPORTED_TARGET libdeflate)

# A program that reads no pictures and no archives does not load these: the linker leaves out what nothing asks for.
if(SINTER_WITH_IMAGES)
  foreach(package PNG JPEG LibArchive)
    find_package(${package} QUIET)
    if(NOT ${package}_FOUND)
      message(FATAL_ERROR "${package} not found: install libpng-dev, libjpeg-dev and libarchive-dev or set SINTER_WITH_IMAGES=OFF")
    endif()
  endforeach()
endif()

if(SINTER_WITH_ONEDNN)
  find_package(OpenMP REQUIRED COMPONENTS CXX)  # only to tell oneDNN's OpenMP to use one thread
endif()
if(SINTER_WITH_ONEDNN AND NOT TARGET sinter::libdnnl)
  # Not oneDNN's CMake package: Debian's demands OpenCL's development files, which nothing here needs.
  find_path(SINTER_DNNL_INCLUDE oneapi/dnnl/dnnl.hpp)
  find_library(SINTER_DNNL_LIBRARY dnnl)
  if(NOT SINTER_DNNL_INCLUDE OR NOT SINTER_DNNL_LIBRARY)
    message(FATAL_ERROR "oneDNN not found: install libdnnl-dev (or libonednn-dev) or set SINTER_WITH_ONEDNN=OFF")
  endif()
  file(STRINGS "${SINTER_DNNL_INCLUDE}/oneapi/dnnl/dnnl_version.h" sinter_dnnl_lines
       REGEX "#define DNNL_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
  string(REGEX REPLACE "[^0-9;]" "" sinter_dnnl_version "${sinter_dnnl_lines}")
  list(JOIN sinter_dnnl_version "." sinter_dnnl_version)
  if(sinter_dnnl_version VERSION_LESS 2.6)
    message(FATAL_ERROR "oneDNN ${sinter_dnnl_version} is too old: Sinter needs 2.6 or later")
  endif()
  add_library(sinter::libdnnl UNKNOWN IMPORTED GLOBAL)
  set_target_properties(sinter::libdnnl PROPERTIES IMPORTED_LOCATION "${SINTER_DNNL_LIBRARY}"
                        INTERFACE_INCLUDE_DIRECTORIES "${SINTER_DNNL_INCLUDE}")
endif()

if(SINTER_WITH_LLVM AND NOT TARGET sinter::libllvm)
  # llvm-config instead of LLVM's CMake package: that one demands the development packages of all that LLVM links.
  find_program(SINTER_LLVM_CONFIG NAMES llvm-config-19 llvm-config HINTS /usr/lib/llvm-19/bin)
  if(NOT SINTER_LLVM_CONFIG)
    message(FATAL_ERROR "llvm-config-19 not found: install llvm-19-dev or set SINTER_WITH_LLVM=OFF")
  endif()
  execute_process(COMMAND ${SINTER_LLVM_CONFIG} --version OUTPUT_VARIABLE sinter_llvm_version
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${SINTER_LLVM_CONFIG} --includedir OUTPUT_VARIABLE sinter_llvm_include
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  if(NOT sinter_llvm_version MATCHES "^19\\.")
    message(FATAL_ERROR "${SINTER_LLVM_CONFIG} is LLVM ${sinter_llvm_version}: Sinter needs LLVM 19")
  endif()
  # The static libraries, so that the plugin binds to its own LLVM: libLLVM's names are found in the first library of the process
  # that has them, and TensorFlow exports those of another version.
  function(sinter_llvm_libraries_of remedy result)
    execute_process(COMMAND ${SINTER_LLVM_CONFIG} --link-static --libfiles ${ARGN} OUTPUT_VARIABLE found
                    OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE missing ERROR_QUIET)
    if(missing)
      list(JOIN ARGN ", " parts)
      message(FATAL_ERROR "${SINTER_LLVM_CONFIG} has no static libraries for ${parts}: install llvm-19-dev or set ${remedy}=OFF")
    endif()
    separate_arguments(found)
    set(${result} ${found} PARENT_SCOPE)
  endfunction()
  sinter_llvm_libraries_of(SINTER_WITH_LLVM sinter_llvm_libraries native)
  set(sinter_llvm_cross "")
  if(SINTER_WITH_CROSS)
    sinter_llvm_libraries_of(SINTER_WITH_CROSS sinter_llvm_cross x86 aarch64 arm riscv webassembly)
  endif()
  execute_process(COMMAND ${SINTER_LLVM_CONFIG} --link-static --system-libs OUTPUT_VARIABLE sinter_llvm_system
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(sinter_llvm_others ZLIB::ZLIB)
  if(sinter_llvm_system MATCHES "zstd")
    find_library(SINTER_ZSTD_LIBRARY zstd)
    if(NOT SINTER_ZSTD_LIBRARY)
      message(FATAL_ERROR "libzstd, which LLVM is built with, was not found: install libzstd-dev or set SINTER_WITH_LLVM=OFF")
    endif()
    list(APPEND sinter_llvm_others ${SINTER_ZSTD_LIBRARY})
  endif()
  foreach(kind libraries cross)
    string(REPLACE "_libraries" "" name libllvm_${kind})
    add_library(sinter::${name} INTERFACE IMPORTED GLOBAL)
    set_target_properties(sinter::${name} PROPERTIES INTERFACE_LINK_LIBRARIES "${sinter_llvm_${kind}};${sinter_llvm_others}"
                          INTERFACE_INCLUDE_DIRECTORIES "${sinter_llvm_include}")
  endforeach()
endif()

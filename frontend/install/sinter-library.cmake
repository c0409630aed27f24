# Flags shared by every target, and sinter_library(), which each layer calls once.
set(sinter_flags -Wall -Wextra -ffp-contract=off)
set(sinter_link_flags "")
if(SINTER_WERROR AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU"
   AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 12 AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  list(APPEND sinter_flags -Werror)
endif()
if(SINTER_SANITIZE)
  list(APPEND sinter_flags -fsanitize=${SINTER_SANITIZE} -fno-omit-frame-pointer)
  list(APPEND sinter_link_flags -fsanitize=${SINTER_SANITIZE})
  if(SINTER_SANITIZE MATCHES "undefined")
    list(APPEND sinter_flags -fno-sanitize-recover=undefined)
  endif()
endif()

find_program(SINTER_CCACHE ccache)
if(SINTER_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The headers that tests share are compiled once (tests/support/precompiled.h); ccache asks for these to be allowed.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${SINTER_CCACHE})
endif()
find_program(SINTER_MOLD mold)
find_program(SINTER_LLD ld.lld)
if(SINTER_MOLD)
  list(APPEND sinter_link_flags -fuse-ld=mold)
elseif(SINTER_LLD)
  list(APPEND sinter_link_flags -fuse-ld=lld)
endif()

add_compile_options(${sinter_flags})
add_link_options(${sinter_link_flags})
set_property(GLOBAL PROPERTY SINTER_LIBRARIES "")

# sinter_library(<name> SOURCES <files> [PUBLIC <targets>] [PRIVATE <targets>]): one layer or backend.
# With no source files yet it is an interface target, so whatever links it need not know.
function(sinter_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;PUBLIC;PRIVATE")
  if(arg_SOURCES)
    add_library(${name} ${arg_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
    set_target_properties(${name} PROPERTIES UNITY_BUILD ${SINTER_UNITY_BUILD} UNITY_BUILD_BATCH_SIZE 8)
    if(SINTER_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${name} PRIVATE -Wno-subobject-linkage)  # g++ takes the files for headers
    endif()
    target_compile_definitions(${name} PRIVATE SINTER_WITHIN_LIBRARY
      SINTER_VERSION="${PROJECT_VERSION}"
      SINTER_WITH_LLVM=$<BOOL:${SINTER_WITH_LLVM}> SINTER_WITH_ONEDNN=$<BOOL:${SINTER_WITH_ONEDNN}>)
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
    target_link_libraries(${name} INTERFACE ${arg_PUBLIC})
  endif()
  target_compile_features(${name} ${scope} cxx_std_20)
  target_include_directories(${name} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/sinter>)
  add_library(sinter::${name} ALIAS ${name})
  set_property(GLOBAL APPEND PROPERTY SINTER_LIBRARIES ${name})
endfunction()

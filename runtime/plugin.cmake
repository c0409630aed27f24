# A backend in two parts: a static library that every program has, and a plugin with all that needs a large library, which the static
# part opens (plugin.h).

# sinter_plugin_sources(<list of .cc and .h files> <what an include of the large library looks like> <result>): those .cc files that
# include it, themselves or by way of a header of the list. They are the plugin; the rest is linked into every program.
function(sinter_plugin_sources files marks result)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  set(found "")
  set(left ${files})
  set(more TRUE)
  while(more)
    set(more FALSE)
    foreach(file ${left})
      file(STRINGS ${file} lines REGEX "^#include (${marks})")
      if(NOT lines)
        continue()
      endif()
      list(REMOVE_ITEM left ${file})
      if(file MATCHES "\\.h$")
        file(RELATIVE_PATH name ${PROJECT_SOURCE_DIR} ${file})
        string(APPEND marks "|\"${name}\"")
        set(more TRUE)
      else()
        list(APPEND found ${file})
      endif()
    endforeach()
  endwhile()
  set(${result} ${found} PARENT_SCOPE)
endfunction()

# sinter_source_version(<header, which declares it> <function> <text> <result> <file>...): a source file that defines the function: a
# hash of the files and of the text, by which a plugin of another build is told apart.
function(sinter_source_version header function build result)
  string(REGEX REPLACE "\\.h$" ".cc" output ${PROJECT_BINARY_DIR}/generated/${header})
  file(CONFIGURE OUTPUT ${output}.sources CONTENT "${ARGN}")
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DSOURCES=${output}.sources -DOUTPUT=${output} -DHEADER=${header} -DFUNCTION=${function}
            "-DBUILD=${build} ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
            -P ${CMAKE_CURRENT_SOURCE_DIR}/source_version.cmake
    DEPENDS ${ARGN} ${output}.sources source_version.cmake VERBATIM)
  set(${result} ${output} PARENT_SCOPE)
endfunction()

# sinter_plugin(<name> SOURCES <files> LINK <targets>): lib<name>.so. Programs of this build find it in lib or ../lib beside them,
# programs of others by their run path.
function(sinter_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  add_library(${name} MODULE ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK})
  target_compile_features(${name} PRIVATE cxx_std_20)
  # Its symbol alone is seen from outside: what is linked into it binds to itself, whatever else the process has loaded.
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}.version CONTENT "{ global: @name@; local: *; };\n" @ONLY)
  target_link_options(${name} PRIVATE -Wl,--exclude-libs,ALL -Wl,-z,defs -Wl,--gc-sections
    -Wl,--version-script=${CMAKE_CURRENT_BINARY_DIR}/${name}.version)
  set_target_properties(${name} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
  install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endfunction()

# Puts every file of frontend/data/embedded/ and frontend/explain/page/ into the library, byte by byte. For letters.bin a source
# declares
#   extern "C" const unsigned char sinter_embedded_letters[], sinter_embedded_letters_end[];
# and for page/style.css sinter_embedded_explain_style[].
file(GLOB embedded CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/embedded/* ${CMAKE_CURRENT_LIST_DIR}/../explain/page/*)
set(embedded_sources "")
foreach(file ${embedded})
  get_filename_component(name ${file} NAME_WE)
  if(file MATCHES "/explain/page/")
    string(PREPEND name explain_)
  endif()
  string(MAKE_C_IDENTIFIER "sinter_embedded_${name}" symbol)
  set(source ${PROJECT_BINARY_DIR}/generated/frontend/${symbol}.cc)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
asm(R"(
  .pushsection .rodata
  .global @symbol@
  .global @symbol@_end
  .balign 64
@symbol@:
  .incbin "@file@"
@symbol@_end:
  .byte 0
  .popsection
)");
]])
  # Compiled by itself: a file of several has no dependencies of its own.
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${file} SKIP_UNITY_BUILD_INCLUSION ON)
  list(APPEND embedded_sources ${source})
endforeach()

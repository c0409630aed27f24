# Writes a header with a hash of the code generator's own sources: cached machine code of another generator is never taken.
# Usage: cmake -DFOLDER=<this folder> -DOUTPUT=<header> -P codegen_version.cmake
file(GLOB files ${FOLDER}/*.cc ${FOLDER}/*.h)
list(SORT files)
set(all "")
foreach(file ${files})
  file(SHA256 ${file} hash)
  string(APPEND all ${hash})
endforeach()
string(SHA256 hash "${all}")
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#pragma once\n#define SINTER_CODEGEN_HASH \"${hash}\"\n")

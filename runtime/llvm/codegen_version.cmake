# Writes the definition of codegen_version(): a hash of the code generator's own sources.
# Usage: cmake -DFOLDER=<this folder> -DOUTPUT=<source file> -P codegen_version.cmake
file(GLOB files ${FOLDER}/*.cc ${FOLDER}/*.h)
list(SORT files)
set(all "")
foreach(file ${files})
  file(SHA256 ${file} hash)
  string(APPEND all ${hash})
endforeach()
string(SHA256 hash "${all}")
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#include \"runtime/llvm/codegen_version.h\"

const char* sinter::codegen::codegen_version() { return \"${hash}\"; }
")

# Writes the definition of codegen_version(): a hash of the sources that decide what code is made, and of what built them.
# Usage: cmake -DSOURCES=<file that lists them> -DBUILD=<text> -DOUTPUT=<source file> -P codegen_version.cmake
file(READ ${SOURCES} files)
list(SORT files)
set(all "${BUILD}")
foreach(file ${files})
  file(SHA256 ${file} hash)
  string(APPEND all ${hash})
endforeach()
string(SHA256 hash "${all}")
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#include \"runtime/llvm/codegen_version.h\"

const char* sinter::codegen::codegen_version() { return \"${hash}\"; }
")

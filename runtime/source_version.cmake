# Writes the definition of a function that returns a hash of sources, and of what built them.
# Usage: cmake -DSOURCES=<file that lists them> -DBUILD=<text> -DHEADER=<declares it> -DFUNCTION=<its whole name>
#              -DOUTPUT=<source file> -P source_version.cmake
file(READ ${SOURCES} files)
list(SORT files)
set(all "${BUILD}")
foreach(file ${files})
  file(SHA256 ${file} hash)
  string(APPEND all ${hash})
endforeach()
string(SHA256 hash "${all}")
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#include \"${HEADER}\"

const char* ${FUNCTION}() { return \"${hash}\"; }
")

# Doxygen over what programs see: <sinter/sinter.h> and all that it includes, with README.md as the main page. Warnings are errors.
# Arguments: SOURCE (the tree), OUTPUT (a folder), VERSION.
find_program(doxygen doxygen)
if(NOT doxygen)
  message(FATAL_ERROR "The documentation needs doxygen (Debian and Ubuntu: doxygen), which was not found.")
endif()

set(headers frontend/sinter.h)
set(next 0)
list(LENGTH headers count)
while(next LESS count)
  list(GET headers ${next} header)
  file(STRINGS ${SOURCE}/${header} lines REGEX "^#include \"")
  foreach(line ${lines})
    string(REGEX REPLACE "^#include \"([^\"]*)\".*" "\\1" included "${line}")
    list(APPEND headers ${included})
  endforeach()
  list(REMOVE_DUPLICATES headers)
  list(LENGTH headers count)
  math(EXPR next "${next} + 1")
endwhile()

list(TRANSFORM headers PREPEND "${SOURCE}/" OUTPUT_VARIABLE inputs)
list(JOIN inputs " " inputs)
file(REMOVE_RECURSE ${OUTPUT})
file(MAKE_DIRECTORY ${OUTPUT})
file(WRITE ${OUTPUT}/Doxyfile "PROJECT_NAME = Sinter
PROJECT_NUMBER = ${VERSION}
OUTPUT_DIRECTORY = ${OUTPUT}
INPUT = ${SOURCE}/README.md ${inputs}
USE_MDFILE_AS_MAINPAGE = ${SOURCE}/README.md
STRIP_FROM_PATH = ${SOURCE}
STRIP_FROM_INC_PATH = ${SOURCE}
EXCLUDE_SYMBOLS = sinter::detail
EXTRACT_ALL = YES
JAVADOC_AUTOBRIEF = YES
MACRO_EXPANSION = YES
GENERATE_LATEX = NO
DOT_GRAPH_MAX_NODES = 200
QUIET = YES
WARN_AS_ERROR = FAIL_ON_WARNINGS
")
execute_process(COMMAND ${doxygen} ${OUTPUT}/Doxyfile RESULT_VARIABLE result ERROR_VARIABLE output)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "doxygen warns:\n${output}")
endif()
message("${count} headers documented: ${OUTPUT}/html/index.html")

# Installs the build into an empty folder, builds the project beside this file against it, and runs its program.
# Arguments: BUILD (the build folder), WORK (a folder to use).
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${WORK}/outside -G Ninja
    -DCMAKE_PREFIX_PATH=${WORK}/prefix -DCMAKE_BUILD_TYPE=Release)
run(${CMAKE_COMMAND} --build ${WORK}/outside)
run(${CMAKE_COMMAND} -E chdir ${WORK} ./outside/train)
if(EXISTS ${WORK}/prefix/bin/sinter)
  run(${WORK}/prefix/bin/sinter --help)
endif()

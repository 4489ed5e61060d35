# cmake -D COMPILER=... -D FLAGS=... -D INCLUDE=... -D SOURCE=... -D EXPECT=... -P refused.cmake
#
# Tests that the library does not compile with these flags, and that the first error names the missing feature.

cmake_minimum_required(VERSION 3.21)

separate_arguments(flags UNIX_COMMAND "${FLAGS}")
set(ENV{LC_ALL} C)
execute_process(COMMAND ${COMPILER} -fsyntax-only -Wfatal-errors ${flags} -I ${INCLUDE} ${SOURCE}
                RESULT_VARIABLE failed ERROR_VARIABLE output)
if(NOT failed)
  message(FATAL_ERROR "it compiles with ${FLAGS}")
endif()
string(REGEX MATCH "error:[^\n]*" first "${output}")
string(FIND "${first}" "parallelpipe needs ${EXPECT}" found)
if(found EQUAL -1)
  message(FATAL_ERROR "The first error is\n  ${first}\nand should contain\n  parallelpipe needs ${EXPECT}")
endif()

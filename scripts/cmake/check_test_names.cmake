# cmake -D PROGRAM=<a program of Catch2 tests> -D LIST="<options that list the names>" -P check_test_names.cmake
#
# Fails if the names cannot all become tests of CTest. Without this, two tests of the same name make
# the program refuse to list any, and the suite passes without them; a semicolon tears a name in two.

cmake_minimum_required(VERSION 3.21)

separate_arguments(LIST)
execute_process(
  COMMAND ${PROGRAM} ${LIST}
  OUTPUT_VARIABLE names
  ERROR_VARIABLE errors)
if(errors OR NOT names MATCHES "[^ \n]")
  message(FATAL_ERROR "The tests cannot be listed.\n${errors}")
endif()
if(names MATCHES "([^\n]*;[^\n]*)")
  message(FATAL_ERROR "A test's name must not have a semicolon: ${CMAKE_MATCH_1}")
endif()

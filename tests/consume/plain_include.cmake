# cmake -D COMPILER=... -D FLAGS=... -D INCLUDE=... -D SOURCE=... -D PROGRAM=... -P plain_include.cmake
#
# Compiles a program with one command, without a build system, and runs it; with -c in FLAGS it only compiles.

cmake_minimum_required(VERSION 3.21)

separate_arguments(flags UNIX_COMMAND "${FLAGS}")
execute_process(COMMAND ${COMPILER} -std=c++20 ${flags} -I ${INCLUDE} -pthread ${SOURCE} -o ${PROGRAM}
                        COMMAND_ERROR_IS_FATAL ANY COMMAND_ECHO STDOUT)
if(NOT "-c" IN_LIST flags)
  execute_process(COMMAND ${PROGRAM} COMMAND_ERROR_IS_FATAL ANY)
endif()

# cmake -D PREFIX=<an installation> -D BINARY=<directory> -D PKG_CONFIG=... -D COMPILER=... -D FLAGS=... -D SOURCE=...
#       -D EXPECTED_VERSION=... -P pkg_config.cmake
#
# The installation is copied to another place; pkg-config finds it there, and nothing of where it was.

cmake_minimum_required(VERSION 3.21)

file(REMOVE_RECURSE ${BINARY})
set(moved ${BINARY}/moved)
file(COPY ${PREFIX}/ DESTINATION ${moved})
set(ENV{PKG_CONFIG_PATH} ${moved}/share/pkgconfig)
execute_process(COMMAND ${PKG_CONFIG} --modversion parallelpipe OUTPUT_VARIABLE version
                        OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
if(NOT version STREQUAL EXPECTED_VERSION)
  message(FATAL_ERROR "pkg-config says ${version} and should say ${EXPECTED_VERSION}")
endif()
execute_process(COMMAND ${PKG_CONFIG} --cflags --libs parallelpipe OUTPUT_VARIABLE found
                        OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(FIND "${found}" "${PREFIX}/" old)
if(NOT old EQUAL -1 OR NOT found MATCHES "-pthread")
  message(FATAL_ERROR "pkg-config says '${found}'")
endif()

separate_arguments(flags UNIX_COMMAND "${FLAGS} ${found}")
execute_process(COMMAND ${COMPILER} -std=c++20 ${SOURCE} ${flags} -o ${BINARY}/consumer
                        COMMAND_ERROR_IS_FATAL ANY COMMAND_ECHO STDOUT)
execute_process(COMMAND ${BINARY}/consumer COMMAND_ERROR_IS_FATAL ANY)

# cmake -D BINARY=<the build> -D PREFIX=<a directory> -P install.cmake
#
# Installs the library to PREFIX, and checks that no file depends on the architecture and that the license is there.

cmake_minimum_required(VERSION 3.21)
file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BINARY} --prefix ${PREFIX}
                        COMMAND_ERROR_IS_FATAL ANY)
file(GLOB rooms RELATIVE ${PREFIX} ${PREFIX}/*)
if(NOT rooms STREQUAL "include;share")
  message(FATAL_ERROR "The installation has got '${rooms}'")
endif()
foreach(file include/parallelpipe.hpp share/doc/parallelpipe/LICENSE share/pkgconfig/parallelpipe.pc
             share/cmake/parallelpipe/parallelpipe-config.cmake)
  if(NOT EXISTS ${PREFIX}/${file})
    message(FATAL_ERROR "The installation lacks ${file}")
  endif()
endforeach()

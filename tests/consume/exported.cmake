# cmake -D OUTER=<initial cache> -D SOURCE=<the library> -D BINARY=<directory> -D GENERATOR=...
#       [-D PARALLELPIPE_SOURCE=... -D PARALLELPIPE_INSTALL=...] -D PREFIX=<where parallelpipe is> -P exported.cmake
#
# Builds and installs a library that links parallelpipe. Then builds a program that links this library, once from its
# installation and once from its build tree. With PARALLELPIPE_INSTALL the library also installs parallelpipe.

cmake_minimum_required(VERSION 3.21)

file(REMOVE_RECURSE ${BINARY})
function(configure_and_build source binary)
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${source} -B ${binary} -C ${OUTER} -G ${GENERATOR} ${ARGN}
                          COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${binary} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(settings -DCMAKE_PREFIX_PATH=${PREFIX})
if(PARALLELPIPE_SOURCE)
  set(settings -DPARALLELPIPE_SOURCE=${PARALLELPIPE_SOURCE} -DPARALLELPIPE_INSTALL=${PARALLELPIPE_INSTALL})
endif()
configure_and_build(${SOURCE} ${BINARY}/library ${settings})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BINARY}/library --prefix ${BINARY}/prefix
                        COMMAND_ERROR_IS_FATAL ANY)

if(PARALLELPIPE_INSTALL)
  set(PREFIX ${BINARY}/prefix)
endif()
foreach(library prefix library)
  set(user ${BINARY}/user_of_${library})
  configure_and_build(${SOURCE}/user ${user} -Ddoubled_ROOT=${BINARY}/${library}
                      -Dparallelpipe_ROOT=${PREFIX})
  execute_process(COMMAND ${user}/consumer COMMAND_ERROR_IS_FATAL ANY)
endforeach()
if(NOT PARALLELPIPE_INSTALL AND EXISTS ${BINARY}/prefix/include/parallelpipe.hpp)
  message(FATAL_ERROR "parallelpipe was installed although PARALLELPIPE_INSTALL is off")
endif()

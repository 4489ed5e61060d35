# cmake -D OUTER=<initial cache> -D SOURCE=<consumer> -D BINARY=<directory> [-D VARIABLE=...] [-D PROGRAMS=...] -P consume.cmake
#
# Configures, builds and runs a consumer from scratch: its PROGRAMS, or the one called consumer. Checks that its
# installation is empty: a consumer that only links the library must not install it. With CONFIGURE_ONLY it only
# configures.

cmake_minimum_required(VERSION 3.21)

file(REMOVE_RECURSE ${BINARY})
set(settings "")
foreach(name CMAKE_PREFIX_PATH EXPECTED_VERSION PARALLELPIPE_SOURCE QUEUE_HEADER SPELLING
             FETCHCONTENT_SOURCE_DIR_PARALLELPIPE)
  if(DEFINED ${name})
    list(APPEND settings "-D${name}=${${name}}")
  endif()
endforeach()

if(LEVEL)
  list(APPEND settings -DCMAKE_BUILD_TYPE=Level "-DCMAKE_CXX_FLAGS_LEVEL=-${LEVEL}")
endif()

execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${BINARY} -C ${OUTER} -G ${GENERATOR}
                        ${settings} COMMAND_ERROR_IS_FATAL ANY)
if(CONFIGURE_ONLY)
  return()
endif()
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BINARY} COMMAND_ERROR_IS_FATAL ANY)
if(NOT PROGRAMS)
  set(PROGRAMS consumer)
endif()
foreach(program IN LISTS PROGRAMS)
  execute_process(COMMAND ${BINARY}/${program} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BINARY} --prefix ${BINARY}/prefix
                        COMMAND_ERROR_IS_FATAL ANY)
file(GLOB_RECURSE installed ${BINARY}/prefix/*)
if(installed)
  message(FATAL_ERROR "The installation of the consumer contains: ${installed}")
endif()

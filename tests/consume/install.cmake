# cmake -D BINARY=<the build> -D PREFIX=<a directory> -P install.cmake: installs the library to PREFIX.
cmake_minimum_required(VERSION 3.21)
file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BINARY} --prefix ${PREFIX}
                        COMMAND_ERROR_IS_FATAL ANY)

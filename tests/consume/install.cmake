# cmake -D BINARY=<the build> -D PREFIX=<where to> -P install.cmake
cmake_minimum_required(VERSION 3.21)
file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BINARY} --prefix ${PREFIX}
                        COMMAND_ERROR_IS_FATAL ANY)

# Defines the target parallelpipe_precompiled. A program that links it and includes <parallelpipe.hpp> first compiles
# the library in a fifth of the time: g++ finds the precompiled header of that name in its include directories, so no
# source file changes. Other compilers read the plain header.
add_library(parallelpipe_precompiled INTERFACE)
target_link_libraries(parallelpipe_precompiled INTERFACE parallelpipe::parallelpipe)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(PARALLELPIPE_PRECOMPILED_DIR ${PROJECT_BINARY_DIR}/precompiled)
  set(source ${PARALLELPIPE_PRECOMPILED_DIR}/source.cpp)
  set(precompiled ${PARALLELPIPE_PRECOMPILED_DIR}/parallelpipe.hpp.gch)
  file(CONFIGURE OUTPUT ${source} CONTENT "#include <parallelpipe.hpp>\n")
  # When the header is included again, g++ searches the plain header next to the precompiled one.
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include/parallelpipe.hpp ${PARALLELPIPE_PRECOMPILED_DIR}/parallelpipe.hpp
       COPY_ON_ERROR SYMBOLIC)
  # An object library: CMake gives it the right flags and tracks the headers that it reads.
  add_library(parallelpipe_precompiled_object OBJECT ${source})
  target_compile_options(parallelpipe_precompiled_object PRIVATE -x c++-header)
  target_link_libraries(parallelpipe_precompiled_object PRIVATE parallelpipe::parallelpipe)
  set(object $<TARGET_OBJECTS:parallelpipe_precompiled_object>)
  add_custom_command(
    OUTPUT ${precompiled}
    COMMAND ${CMAKE_COMMAND} -E create_symlink ${object} ${precompiled}
    DEPENDS ${object}
    VERBATIM)
  add_custom_target(parallelpipe_precompiled_header DEPENDS ${precompiled})
  add_dependencies(parallelpipe_precompiled parallelpipe_precompiled_header)
  target_include_directories(parallelpipe_precompiled BEFORE INTERFACE ${PARALLELPIPE_PRECOMPILED_DIR})
  target_compile_options(parallelpipe_precompiled INTERFACE -Winvalid-pch)
endif()

# The target parallelpipe_precompiled: a program of it whose first #include is <parallelpipe.hpp> reads the library
# in a fifth of the time. g++ takes a precompiled header of that name from the directories where it looks for the
# header itself, so no source knows of this. Other compilers read the header as ever.
add_library(parallelpipe_precompiled INTERFACE)
target_link_libraries(parallelpipe_precompiled INTERFACE parallelpipe::parallelpipe)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(PARALLELPIPE_PRECOMPILED_DIR ${PROJECT_BINARY_DIR}/precompiled)
  set(source ${PARALLELPIPE_PRECOMPILED_DIR}/source.cpp)
  set(precompiled ${PARALLELPIPE_PRECOMPILED_DIR}/parallelpipe.hpp.gch)
  file(CONFIGURE OUTPUT ${source} CONTENT "#include <parallelpipe.hpp>\n")
  # Where g++ has found the precompiled one, it looks for the header itself when it is included again.
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include/parallelpipe.hpp ${PARALLELPIPE_PRECOMPILED_DIR}/parallelpipe.hpp
       COPY_ON_ERROR SYMBOLIC)
  # An object library, as CMake knows what flags there are and what was read.
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

# Defines the target example_httplib if cpp-httplib is installed: as a CMake package, as a header alone,
# or as a header and a library without a CMake package (Debian and Ubuntu).

find_package(httplib CONFIG QUIET)
if(TARGET httplib::httplib)
  add_library(example_httplib INTERFACE)
  target_link_libraries(example_httplib INTERFACE httplib::httplib)
  return()
endif()

find_path(PARALLELPIPE_HTTPLIB_INCLUDE_DIR httplib.h DOC "The directory of cpp-httplib's httplib.h")
find_library(PARALLELPIPE_HTTPLIB_LIBRARY cpp-httplib DOC "cpp-httplib, where it is a library")
mark_as_advanced(PARALLELPIPE_HTTPLIB_INCLUDE_DIR PARALLELPIPE_HTTPLIB_LIBRARY)
if(NOT PARALLELPIPE_HTTPLIB_INCLUDE_DIR)
  return()
endif()

add_library(example_httplib INTERFACE)
target_include_directories(example_httplib SYSTEM INTERFACE ${PARALLELPIPE_HTTPLIB_INCLUDE_DIR})
target_link_libraries(example_httplib INTERFACE Threads::Threads)
if(PARALLELPIPE_HTTPLIB_LIBRARY)
  target_link_libraries(example_httplib INTERFACE ${PARALLELPIPE_HTTPLIB_LIBRARY})
  # The size of its classes depends on macros, which must be the ones that the library was built with.
  # They are in the library's pkg-config file, which is read here without pkg-config.
  get_filename_component(_directory ${PARALLELPIPE_HTTPLIB_LIBRARY} DIRECTORY)
  if(EXISTS ${_directory}/pkgconfig/cpp-httplib.pc)
    file(STRINGS ${_directory}/pkgconfig/cpp-httplib.pc _flags REGEX "^Cflags:")
    string(REGEX MATCHALL "-DCPPHTTPLIB_[A-Z_]+" _flags "${_flags}")
    target_compile_options(example_httplib INTERFACE ${_flags})
  endif()
endif()

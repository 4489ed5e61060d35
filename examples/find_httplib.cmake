# Makes the target example_httplib if cpp-httplib is on the machine: its CMake package, or its header
# alone, or the header and a library (as Debian and Ubuntu have it, without a CMake package).

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
  # The classes differ in size with these macros: they must be those the library was built with. Its
  # file for pkg-config tells them; reading it here spares the need for pkg-config itself.
  get_filename_component(_directory ${PARALLELPIPE_HTTPLIB_LIBRARY} DIRECTORY)
  if(EXISTS ${_directory}/pkgconfig/cpp-httplib.pc)
    file(STRINGS ${_directory}/pkgconfig/cpp-httplib.pc _flags REGEX "^Cflags:")
    string(REGEX MATCHALL "-DCPPHTTPLIB_[A-Z_]+" _flags "${_flags}")
    target_compile_options(example_httplib INTERFACE ${_flags})
  endif()
endif()

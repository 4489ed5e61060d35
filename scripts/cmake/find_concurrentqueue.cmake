# Defines the target parallelpipe_concurrentqueue: the include path of moodycamel's concurrentqueue.h.
# It tries, in this order: a target of the surrounding project; the CMake package of upstream, vcpkg or
# Conan; the header alone (libconcurrentqueue-dev of Debian and Ubuntu has no package file); a download,
# if PARALLELPIPE_FETCH_CONCURRENTQUEUE allows it.
# The caller sets parallelpipe_queue_spellings: the possible paths of the header, taken from
# detail/channel/concurrentqueue.hpp.
# If no queue is found, the target does not exist, and parallelpipe_queue_missing says what to do.

set(parallelpipe_queue_missing "")
if(TARGET parallelpipe_concurrentqueue)
  return()
endif()

set(_target "")
if(NOT TARGET concurrentqueue::concurrentqueue AND NOT TARGET concurrentqueue)
  find_package(concurrentqueue CONFIG QUIET)
  mark_as_advanced(concurrentqueue_DIR)
endif()
foreach(_candidate concurrentqueue::concurrentqueue concurrentqueue)
  if(NOT _target AND TARGET ${_candidate})
    set(_target ${_candidate})
  endif()
endforeach()

if(NOT _target)
  find_path(
    PARALLELPIPE_CONCURRENTQUEUE_INCLUDE_DIR
    NAMES ${parallelpipe_queue_spellings}
    DOC "The directory to include moodycamel's concurrentqueue.h from")
  mark_as_advanced(PARALLELPIPE_CONCURRENTQUEUE_INCLUDE_DIR)
endif()

if(NOT _target AND NOT PARALLELPIPE_CONCURRENTQUEUE_INCLUDE_DIR AND PARALLELPIPE_FETCH_CONCURRENTQUEUE)
  include(FetchContent)
  FetchContent_Declare(
    concurrentqueue
    GIT_REPOSITORY https://github.com/cameron314/concurrentqueue.git
    GIT_TAG v1.0.4
    GIT_SHALLOW ON)
  FetchContent_MakeAvailable(concurrentqueue)
  set(_target concurrentqueue)
endif()

if(NOT _target AND NOT PARALLELPIPE_CONCURRENTQUEUE_INCLUDE_DIR)
  string(
    CONCAT
      parallelpipe_queue_missing
      "parallelpipe needs moodycamel's concurrentqueue.h and did not find it. Install it (Debian and "
      "Ubuntu: apt-get install libconcurrentqueue-dev), or add the project "
      "https://github.com/cameron314/concurrentqueue to yours, or point "
      "PARALLELPIPE_CONCURRENTQUEUE_INCLUDE_DIR at it, or set PARALLELPIPE_FETCH_CONCURRENTQUEUE=ON "
      "to download it.")
  return()
endif()

add_library(parallelpipe_concurrentqueue INTERFACE IMPORTED GLOBAL)
if(_target)
  target_link_libraries(parallelpipe_concurrentqueue INTERFACE ${_target})
else()
  target_include_directories(parallelpipe_concurrentqueue SYSTEM
                             INTERFACE ${PARALLELPIPE_CONCURRENTQUEUE_INCLUDE_DIR})
endif()

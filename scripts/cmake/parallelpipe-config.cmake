include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/find_concurrentqueue.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/parallelpipe-targets.cmake)
set_property(
  TARGET parallelpipe::parallelpipe
  APPEND
  PROPERTY INTERFACE_LINK_LIBRARIES parallelpipe_concurrentqueue)

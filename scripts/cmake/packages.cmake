# What `cmake --install` installs, and what `cpack -G DEB` packs: headers and text, the same on every architecture.

# ---- parallelpipe.pc ----------------------------------------------------------------------------

# The prefix is where the file lies, so that an installation can be moved.
if(IS_ABSOLUTE ${CMAKE_INSTALL_DATADIR})
  set(pc_prefix ${CMAKE_INSTALL_PREFIX})
else()
  file(RELATIVE_PATH up /prefix/${CMAKE_INSTALL_DATADIR}/pkgconfig /prefix)
  string(REGEX REPLACE "/$" "" up "${up}")
  set(pc_prefix "\${pcfiledir}/${up}")
endif()
if(IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
  set(pc_includedir ${CMAKE_INSTALL_INCLUDEDIR})
else()
  set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()

# Whether the queue's header lies in a directory, in any of its spellings.
function(parallelpipe_has_queue directory result)
  set(found FALSE)
  foreach(spelling IN LISTS parallelpipe_queue_spellings)
    if(EXISTS ${directory}/${spelling})
      set(found TRUE)
    endif()
  endforeach()
  set(${result} ${found} PARENT_SCOPE)
endfunction()

# The queue needs a flag where neither the compiler nor our own include path finds it. A queue that is built as a
# part of this project is installed by its own rules.
set(pc_queue_flags "")
set(pc_queue_found FALSE)
foreach(directory ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
  parallelpipe_has_queue(${directory} has_queue)
  if(has_queue)
    set(pc_queue_found TRUE)
  endif()
endforeach()
if(NOT pc_queue_found)
  get_target_property(linked parallelpipe_concurrentqueue INTERFACE_LINK_LIBRARIES)
  foreach(target parallelpipe_concurrentqueue ${linked})
    if(TARGET ${target})
      get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
      foreach(directory IN LISTS directories)
        parallelpipe_has_queue("${directory}" has_queue)
        if(has_queue)
          string(REPLACE " " "\\ " directory "${directory}")
          string(APPEND pc_queue_flags " -I${directory}")
        endif()
      endforeach()
    endif()
  endforeach()
endif()
configure_file(scripts/cmake/parallelpipe.pc.in ${CMAKE_CURRENT_BINARY_DIR}/parallelpipe.pc @ONLY)

# ---- cmake --install ----------------------------------------------------------------------------

install(EXPORT parallelpipe-targets NAMESPACE parallelpipe:: DESTINATION ${package_dir} COMPONENT parallelpipe)
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT parallelpipe)
install(DIRECTORY ${package}/ DESTINATION ${package_dir} COMPONENT parallelpipe
        PATTERN *-targets.cmake EXCLUDE)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/parallelpipe.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig
        COMPONENT parallelpipe)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/parallelpipe COMPONENT parallelpipe_license)

# ---- cpack -G DEB: libparallelpipe-dev_VERSION_all.deb --------------------------------------------

if(NOT PROJECT_IS_TOP_LEVEL)
  return()
endif()

# Debian wants the license under another name, in a form of its own.
file(READ LICENSE license)
string(REGEX REPLACE "\n+$" "" license "${license}")
string(REGEX MATCH "Copyright \\(c\\) ([^\n]+)" copyright "${license}")
string(REGEX REPLACE "^Copyright \\(c\\) " "" copyright "${copyright}")
string(REGEX REPLACE "^.*Copyright [^\n]*\n\n" "" license "${license}")
string(REGEX REPLACE "\n\n" "\n.\n" license "${license}")
string(REGEX REPLACE "\n" "\n " license "${license}")
configure_file(scripts/cmake/debian-copyright.in ${CMAKE_CURRENT_BINARY_DIR}/debian/copyright @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/debian/copyright
        DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/libparallelpipe-dev COMPONENT parallelpipe_debian
        EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME parallelpipe)
set(CPACK_PACKAGE_CONTACT "The parallelpipe authors <authors@parallelpipe.invalid>")
set(CPACK_PACKAGE_DESCRIPTION
    "A stage is a function that reads its items from one range and yields its
results as another. Stages are chained with |, and every stage runs in
threads of its own, as many as it is told to. Queues between stages are
bounded, errors arrive in the loop that reads the results, and order can
be kept.

The library consists of headers alone.")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL parallelpipe parallelpipe_debian)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_NAME libparallelpipe-dev)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libconcurrentqueue-dev, libc6-dev | libc-dev")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "cmake, pkgconf | pkg-config")
include(CPack)

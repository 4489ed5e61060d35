# cmake -D INCLUDE=<the include directory> -D FLOORS=<the list> -P floors.cmake
#
# Holds the headers against the written list and says every line that breaks a rule:
# * every header is in the list, every line of the list is a header;
# * a header includes only headers of lower floors, in the form <parallelpipe/...>;
# * moodycamel is included by detail/concurrentqueue.hpp alone;
# * adapters/ and ext/ include no detail/, and nobody below the roof includes them;
# * the roof exports every public header, each line marked, and nothing of detail/ or ext/, nor what the
#   list marks as `(not under the roof: the reason)`.

cmake_minimum_required(VERSION 3.21)

set(problems "")
macro(problem text)
  list(APPEND problems "${text}")
endmacro()

# ---- the list ---------------------------------------------------------------------------------

set(listed "")
set(apart "")
set(roof "")
file(STRINGS ${FLOORS} lines REGEX "^[^#]")
foreach(line IN LISTS lines)
  if(NOT line MATCHES "^([0-9]+|roof)[ \t]+([^ \t]+)([ \t]+\\(not under the roof: .+\\))?$")
    problem("${FLOORS}: cannot read the line '${line}'")
    continue()
  endif()
  set(floor ${CMAKE_MATCH_1})
  set(reason "${CMAKE_MATCH_3}")
  string(REGEX REPLACE "^parallelpipe/\\.\\./" "" header "parallelpipe/${CMAKE_MATCH_2}")
  if(header IN_LIST listed)
    problem("${header} stands twice in the list")
  endif()
  list(APPEND listed ${header})
  if(reason)
    list(APPEND apart ${header})
  endif()
  if(floor STREQUAL "roof")
    set(floor 1000000)
    set(roof ${header})
  endif()
  set("floor_of_${header}" ${floor})
endforeach()

get_filename_component(INCLUDE ${INCLUDE} ABSOLUTE)
file(GLOB_RECURSE headers RELATIVE ${INCLUDE} ${INCLUDE}/*)
foreach(header IN LISTS headers)
  if(NOT header IN_LIST listed)
    problem("${header} is not in the list of floors")
  endif()
endforeach()
foreach(header IN LISTS listed)
  if(NOT header IN_LIST headers)
    problem("${header} is in the list of floors, but there is no such file")
  endif()
endforeach()

# ---- the headers ------------------------------------------------------------------------------

set(exported "")
foreach(header IN LISTS headers)
  file(STRINGS ${INCLUDE}/${header} includes REGEX "^[ \t]*#[ \t]*include[ \t<\"]")
  foreach(line IN LISTS includes)
    if(NOT line MATCHES "include[ \t]*([<\"])([^>\"]+)[>\"]")
      problem("${header}: cannot read '${line}'")
      continue()
    endif()
    set(form ${CMAKE_MATCH_1})
    set(included ${CMAKE_MATCH_2})
    if(form STREQUAL "\"")
      problem("${header} includes \"${included}\" in quotes; write <parallelpipe/...>")
    endif()
    if(included MATCHES "concurrentqueue\\.h$" AND
       NOT header STREQUAL "parallelpipe/detail/concurrentqueue.hpp")
      problem("${header} includes <${included}>; only detail/concurrentqueue.hpp does that")
    endif()
    if(NOT included MATCHES "^parallelpipe[/.]")
      continue()
    endif()

    if(NOT included IN_LIST headers)
      problem("${header} includes <${included}>, which does not exist")
    elseif(DEFINED "floor_of_${header}" AND DEFINED "floor_of_${included}" AND
           NOT "${floor_of_${included}}" LESS "${floor_of_${header}}")
      problem("${header} (floor ${floor_of_${header}}) includes ${included} (floor ${floor_of_${included}})")
    endif()
    if(header MATCHES "/(adapters|ext)/" AND included MATCHES "/detail/")
      problem("${header} includes ${included}; adapters/ and ext/ use public headers only")
    endif()
    if(included MATCHES "/(adapters|ext)/" AND NOT header STREQUAL roof)
      problem("${header} includes ${included}; only the roof includes adapters, nobody ext/")
    endif()

    if(header STREQUAL roof)
      list(APPEND exported ${included})
      if(NOT line MATCHES "// IWYU pragma: export$")
        problem("${roof} includes ${included} without '// IWYU pragma: export'")
      endif()
      if(included MATCHES "/(detail|ext)/" OR included IN_LIST apart)
        problem("${roof} exports ${included}, which is not for everybody")
      endif()
    endif()
  endforeach()
endforeach()

foreach(header IN LISTS headers)
  if(NOT header MATCHES "/(detail|ext)/" AND NOT header STREQUAL roof AND
     NOT header IN_LIST exported AND NOT header IN_LIST apart)
    problem("${roof} does not export ${header}")
  endif()
endforeach()

if(problems)
  list(JOIN problems "\n  " problems)
  message(FATAL_ERROR "The floors:\n  ${problems}")
endif()
list(LENGTH headers count)
message(STATUS "${count} headers, each on its floor")

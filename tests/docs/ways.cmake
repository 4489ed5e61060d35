# cmake -D PAGE=<docs/design/life-of-an-item.md> -P ways.cmake
#
# Each section of the page is a way through at most ten headers, and there are ways of an item, an exception, an
# ordered item and a stop. (The test of links checks that the headers exist.)

cmake_minimum_required(VERSION 3.21)

file(READ ${PAGE} text)
string(REPLACE ";" "," text "${text}")
string(REPLACE "\n## " ";" sections "${text}")
set(titles "")
foreach(section IN LISTS sections)
  string(REGEX MATCH "^[^\n]+" title "${section}")
  list(APPEND titles "${title}")
  string(REGEX MATCHALL "\\.\\./include/[a-z_/]+\\.hpp" headers "${section}")
  list(REMOVE_DUPLICATES headers)
  list(LENGTH headers count)
  if(count GREATER 10)
    message(SEND_ERROR "${PAGE}: the way of '${title}' has ${count} headers; at most 10")
  endif()
endforeach()
foreach(way "An item" "An exception" "An ordered item" "A stop")
  if(NOT way IN_LIST titles)
    message(SEND_ERROR "${PAGE}: the way of '${way}' is missing")
  endif()
endforeach()

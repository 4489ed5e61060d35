# cmake -D FILES=<files> -P co_yield.cmake
#
# g++ 12 destroys the members of an aggregate twice if it is created inside a co_yield. Code that users copy (README,
# docs/, examples) must not do this. The check searches FILES for `Name{` between co_yield and its semicolon, outside of
# comments; in Markdown only in blocks of C++.

set(problems "")
foreach(file IN LISTS FILES)
  file(READ ${file} text)
  # A list would break at semicolons and brackets.
  string(REPLACE "[" "<" text "${text}")
  string(REPLACE "]" ">" text "${text}")
  string(REPLACE ";" "\;" text "${text}")
  string(REPLACE "\n" ";" lines "${text}")
  set(is_code TRUE)
  if(file MATCHES "\\.md$")
    set(is_code FALSE)
  endif()
  set(number 0)
  foreach(line IN LISTS lines)
    math(EXPR number "${number} + 1")
    if(file MATCHES "\\.md$" AND line MATCHES "^```")
      set(is_code FALSE)
      if(line MATCHES "^```cpp")
        set(is_code TRUE)
      endif()
    endif()
    string(REGEX REPLACE "//.*$" "" line "${line}")
    if(is_code AND line MATCHES "co_yield( *|[^;]*[A-Za-z0-9_>]){")
      list(APPEND problems "${file}:${number}: name the object: T made{...}\; co_yield std::move(made)\;")
    endif()
  endforeach()
endforeach()
if(problems)
  list(JOIN problems "\n" problems)
  message(FATAL_ERROR "g++ 12 destroys these objects twice:\n${problems}")
endif()

# cmake -D CHECK=<floors.cmake> -D SCRATCH=<a directory> -P floors_mistakes.cmake
#
# A check that cannot fail is none: makes a small tree, sound at first and then with one mistake at a
# time, and expects floors.cmake to accept the first and to name the mistake in each of the others.

cmake_minimum_required(VERSION 3.21)

function(write_sound_tree)
  file(REMOVE_RECURSE ${SCRATCH})
  file(WRITE ${SCRATCH}/include/parallelpipe/low.hpp "#include <vector>\n")
  file(WRITE ${SCRATCH}/include/parallelpipe/detail/config.hpp "\n")
  file(WRITE ${SCRATCH}/include/parallelpipe/detail/concurrentqueue.hpp
       "#include <concurrentqueue.h>\n")
  file(WRITE ${SCRATCH}/include/parallelpipe/high.hpp
       "#include <parallelpipe/detail/config.hpp>\n#include <parallelpipe/low.hpp>\n")
  file(WRITE ${SCRATCH}/include/parallelpipe/adapters/verb.hpp "#include <parallelpipe/high.hpp>\n")
  file(WRITE ${SCRATCH}/include/parallelpipe/ext/extra.hpp "#include <parallelpipe/high.hpp>\n")
  file(WRITE ${SCRATCH}/include/parallelpipe/apart.hpp "#include <parallelpipe/high.hpp>\n")
  file(
    WRITE ${SCRATCH}/include/parallelpipe.hpp
    "#include <parallelpipe/adapters/verb.hpp>  // IWYU pragma: export\n"
    "#include <parallelpipe/high.hpp>  // IWYU pragma: export\n"
    "#include <parallelpipe/low.hpp>  // IWYU pragma: export\n")
  file(WRITE ${SCRATCH}/floors.txt
       "# a comment\n\n0 low.hpp\n0  detail/config.hpp\n1 detail/concurrentqueue.hpp\n2 high.hpp\n"
       "3 adapters/verb.hpp\n3 ext/extra.hpp\n3 apart.hpp (not under the roof: a reason)\n"
       "roof ../parallelpipe.hpp\n")
endfunction()

function(expect message)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -D INCLUDE=${SCRATCH}/include -D FLOORS=${SCRATCH}/floors.txt -P ${CHECK}
    RESULT_VARIABLE result
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  string(FIND "${output}" "${message}" found)
  if(message MATCHES "each on its floor")
    set(accepted 1)
  else()
    set(accepted 0)
  endif()
  if(found EQUAL -1 OR (accepted AND result) OR NOT (accepted OR result))
    message(SEND_ERROR "expected '${message}', got (${result}) '${output}'")
  endif()
endfunction()

macro(mistake file text message)
  write_sound_tree()
  file(APPEND ${SCRATCH}/${file} "${text}\n")
  expect("${message}")
endmacro()

write_sound_tree()
expect("8 headers, each on its floor")

set(headers include/parallelpipe)
mistake(${headers}/low.hpp "#include <parallelpipe/detail/config.hpp>"
        "parallelpipe/low.hpp (floor 0) includes parallelpipe/detail/config.hpp (floor 0)")
mistake(${headers}/low.hpp "#  include <parallelpipe/high.hpp>" "low.hpp (floor 0) includes")
mistake(${headers}/low.hpp "#include <parallelpipe/none.hpp>" "none.hpp>, which does not exist")
mistake(${headers}/high.hpp "#include \"low.hpp\"" "includes \"low.hpp\" in quotes")
mistake(${headers}/high.hpp "#include <moodycamel/concurrentqueue.h>"
        "only detail/concurrentqueue.hpp does that")
mistake(${headers}/high.hpp "#include <parallelpipe/ext/extra.hpp>" "nobody ext/")
mistake(${headers}/high.hpp "#include <parallelpipe.hpp>" "high.hpp (floor 2) includes")
mistake(${headers}/new.hpp "" "parallelpipe/new.hpp is not in the list")
mistake(${headers}/new.hpp "" "parallelpipe.hpp does not export parallelpipe/new.hpp")
mistake(${headers}/adapters/verb.hpp "#include <parallelpipe/detail/config.hpp>"
        "adapters/ and ext/ use public headers only")
mistake(${headers}/ext/extra.hpp "#include <parallelpipe/detail/config.hpp>"
        "adapters/ and ext/ use public headers only")
mistake(include/parallelpipe.hpp "#include <parallelpipe/detail/config.hpp>  // IWYU pragma: export"
        "which is not for everybody")
mistake(include/parallelpipe.hpp "#include <parallelpipe/apart.hpp>  // IWYU pragma: export"
        "apart.hpp, which is not for everybody")
mistake(include/parallelpipe.hpp "#include <parallelpipe/high.hpp>" "without '// IWYU pragma: export'")
mistake(floors.txt "1 gone.hpp" "gone.hpp is in the list of floors, but there is no such file")
mistake(floors.txt "1 low.hpp" "low.hpp stands twice")
mistake(floors.txt "high.hpp" "cannot read the line 'high.hpp'")
mistake(floors.txt "1 high.hpp (not under the roof:)" "cannot read the line")

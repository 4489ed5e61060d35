# cmake -D CHECK=<layers.cmake> -D SCRATCH=<a directory> -P layers_mistakes.cmake
#
# Tests layers.cmake: it must accept a small tree without a mistake, and report the mistake in trees with one each.

cmake_minimum_required(VERSION 3.21)

function(write_sound_tree)
  file(REMOVE_RECURSE ${SCRATCH})
  set(headers ${SCRATCH}/include/parallelpipe)
  file(WRITE ${headers}/detail/base/config.hpp "#include <vector>\n// std::mutex\n#error \"std::thread\"\n")
  file(WRITE ${headers}/detail/sync/primitives.hpp "#include PARALLELPIPE_SYNC_PRIMITIVES\nusing std::mutex\n")
  file(WRITE ${headers}/detail/base/more.hpp "#include <parallelpipe/detail/base/config.hpp>\n")
  file(WRITE ${headers}/detail/channel/concurrentqueue.hpp "#include <concurrentqueue.h>\n")
  file(WRITE ${headers}/stage.hpp "#include <parallelpipe/detail/base/config.hpp>\n")
  file(WRITE ${headers}/stages/batch.hpp "#include <parallelpipe/stage.hpp>\n")
  file(WRITE ${headers}/stages/apart.hpp "#include <parallelpipe/detail/base/config.hpp>\n")
  file(WRITE ${headers}/ext/extra.hpp "#include <parallelpipe/stage.hpp>\n")
  file(WRITE ${headers}/core.hpp "#include <parallelpipe/stage.hpp>  // IWYU pragma: export\n"
       "#include <parallelpipe/stages/batch.hpp>  // IWYU pragma: export\n")
  file(WRITE ${SCRATCH}/include/parallelpipe.hpp "#include <parallelpipe/core.hpp>  // IWYU pragma: export\n")
  file(WRITE ${SCRATCH}/layers.txt
       "# a comment\n\ndetail/base:\ndetail/sync:\ndetail/channel: detail/base\nstage.hpp: detail/base\nstages: stage.hpp\n"
       "stages/apart.hpp: detail/base (apart: a reason)\next: stage.hpp\ncore.hpp: stage.hpp stages detail/base\n"
       "parallelpipe.hpp: core.hpp\n")
endfunction()

function(expect message)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -D INCLUDE=${SCRATCH}/include -D LAYERS=${SCRATCH}/layers.txt -P ${CHECK}
    RESULT_VARIABLE result
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  string(FIND "${output}" "${message}" found)
  if(message MATCHES "each in its layer")
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
expect("10 headers, each in its layer")

set(headers include/parallelpipe)
mistake(${headers}/detail/base/config.hpp "#include <parallelpipe/stage.hpp>"
        "config.hpp includes parallelpipe/stage.hpp: detail/base may not include stage.hpp")
mistake(${headers}/detail/base/config.hpp "#  include <parallelpipe/stage.hpp>" "may not include stage.hpp")
mistake(${headers}/stages/batch.hpp "#include <parallelpipe/detail/base/config.hpp>"
        "stages may not include detail/base")
mistake(${headers}/stages/batch.hpp "#include <parallelpipe/stages/apart.hpp>"
        "stages may not include stages/apart.hpp")
mistake(${headers}/stage.hpp "#include <parallelpipe.hpp>" "stage.hpp may not include parallelpipe.hpp")
mistake(${headers}/detail/base/config.hpp "#include <parallelpipe/detail/base/more.hpp>"
        "include each other in a circle: parallelpipe/detail/base/config.hpp parallelpipe/detail/base/more.hpp")
mistake(${headers}/stage.hpp "#include <parallelpipe/none.hpp>" "none.hpp>, which does not exist")
mistake(${headers}/stage.hpp "#include \"core.hpp\"" "includes \"core.hpp\" in quotes")
mistake(${headers}/stage.hpp "#include <moodycamel/concurrentqueue.h>" "only channel/concurrentqueue.hpp does that")
mistake(${headers}/detail/base/config.hpp "std::atomic<int> n" "config.hpp names std::atomic: write sync::atomic")
mistake(${headers}/detail/base/config.hpp "std::chrono::steady_clock::now()" "steady_clock: write sync::steady_clock")
mistake(${headers}/detail/base/config.hpp "#include PARALLELPIPE_SYNC_PRIMITIVES" "cannot read '#include PARALLEL")
mistake(${headers}/new.hpp "" "the room new.hpp has no line")
mistake(${headers}/detail/new/new.hpp "" "the room detail/new has no line")
mistake(${headers}/stages/new.hpp "" "the umbrella does not export parallelpipe/stages/new.hpp")
mistake(${headers}/core.hpp "#include <parallelpipe/detail/base/config.hpp>  // IWYU pragma: export"
        "which is not part of the umbrella")
mistake(${headers}/core.hpp "#include <parallelpipe/stages/apart.hpp>  // IWYU pragma: export"
        "apart.hpp, which is not part of the umbrella")
mistake(${headers}/core.hpp "#include <parallelpipe/stage.hpp>" "without '// IWYU pragma: export'")
mistake(layers.txt "gone:" "gone is in the list of layers, but there is no such room")
mistake(layers.txt "stages: stage.hpp" "stages has two lines")
mistake(layers.txt "late: later" "late may include later, which has no line above")
mistake(layers.txt "no colon" "cannot read the line 'no colon'")
mistake(layers.txt "stage.hpp: (apart:)" "cannot read the line")

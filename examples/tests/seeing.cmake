# Tests 08_seeing: its results, progress and report (whose numbers vary), the files that it writes, the
# watchdog, wrong arguments.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
file(READ ${examples}/golden/08_seeing.txt golden)

run(--html run.html --trace run.json --dot run.dot 500)
expect("${status}" EQUAL 0)
expect("${output}" STREQUAL "${golden}")
expect("${errors}" MATCHES "\ntexts: 500 items in |^texts: 500 items in ")
expect("${errors}" MATCHES "\ncheck +1 +500 +500 ")
file(READ ${scratch}/run.html page)
expect("${page}" MATCHES "<title>08_seeing</title>")
file(READ ${scratch}/run.dot dot)
expect("${dot}" MATCHES "^digraph ")
file(READ ${scratch}/run.json trace)
string(JSON events ERROR_VARIABLE mistake LENGTH "${trace}" traceEvents)
expect("${mistake}" STREQUAL "NOTFOUND")
expect("${trace}" MATCHES "\"check-0\".*\"busy\".*queue 3, after check")

run(--quiet 500)
expect("${status}" EQUAL 0)
expect("${output}" STREQUAL "${golden}")
expect("${errors}" MATCHES "^stage ")

run(--quiet --stall)
expect("${status}" EQUAL 0)
expect("${output}" MATCHES "\nended by the watchdog\n$")
expect("${errors}" MATCHES "^The task \"watchdog-0\" raised parallelpipe::StallError: Nothing has moved for ")
expect("${errors}" MATCHES "\ncheck-0 +is in its stage function\n")

run(--dot no/such/folder.dot 5)
expect("${status}" EQUAL 1)
expect("${errors}" MATCHES "08_seeing: no/such/folder.dot: cannot be written\n$")

foreach(wrong "0" "many" "1;2" "--html" "--fast")
  run(${wrong})
  expect("${status}" EQUAL 2)
  expect("${errors}" MATCHES "^usage: 08_seeing")
endforeach()

# Tests 03_wordcount with real files: the pipeline and the plain loop count the same.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
run(--check --workers 3 ${directory})
expect("${status}" EQUAL 0)
expect("${errors}" STREQUAL "")
expect("${output}" MATCHES "\ncheck: both counted the same\n$")

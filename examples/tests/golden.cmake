# Tests an example whose whole output is in golden/.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
get_filename_component(name ${program} NAME_WE)
file(READ ${examples}/golden/${name}.txt golden)

run()
expect("${status}" EQUAL 0)
expect("${output}" STREQUAL "${golden}")
expect("${errors}" STREQUAL "")

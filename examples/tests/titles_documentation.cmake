# Tests 02_titles with the HTML documentation of this machine: the run ends, finds titles and reports
# the broken URLs.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
run()
expect("${status}" EQUAL 0)
expect("${output}" MATCHES "source . fetch\\(x4\\) . get_titles\\(x2\\) . most_common\\(x1\\)")
expect("${output}" MATCHES "\n +[0-9]+  [^ ]+ +#+\n")
expect("${output}" MATCHES "[1-9][0-9]* pages fetched, [1-9][0-9]* titles, [0-9]+ URLs left out")
expect("${errors}" MATCHES "/trouble/gone.html: HTTP status 404")
expect("${errors}" MATCHES "/trouble/slow.html: no answer in time")
expect("${errors}" MATCHES "/trouble/logo.png: not HTML but image/png")

# Tests 02_titles with generated pages: the counts, and a report of every broken URL, in any order.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
file(READ ${examples}/golden/02_titles.txt golden)
file(STRINGS ${examples}/golden/02_titles.errors.txt golden_errors)

run(--generated)
expect("${status}" EQUAL 0)
string(REGEX REPLACE "127\\.0\\.0\\.1:[0-9][0-9]+" "SITE" output "${output}")
string(REGEX REPLACE "[0-9.]+ s\n$" "TIME\n" output "${output}")
expect("${output}" STREQUAL "${golden}")

string(REGEX REPLACE "127\\.0\\.0\\.1:[0-9][0-9]+" "SITE" errors "${errors}")
string(STRIP "${errors}" errors)
string(REPLACE "\n" ";" lines "${errors}")
list(SORT lines)
expect("${lines}" STREQUAL "${golden_errors}")

# URLs as arguments, none of which can be fetched.
run(--timeout 1 http://127.0.0.1:1/x mailto:ann)
expect("${status}" EQUAL 1)
expect("${errors}" MATCHES "left out mailto:ann: not a http URL")
expect("${errors}" MATCHES "left out http://127.0.0.1:1/x: no connection")
expect("${output}" MATCHES "0 pages fetched, 0 titles, 2 URLs left out")

run(--timeout soon)
expect("${status}" EQUAL 2)
expect("${errors}" MATCHES "^usage: 02_titles")

# Tests 03_wordcount: a small folder with known counts; --check; files that cannot be read; wrong
# arguments.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
file(READ ${examples}/golden/03_wordcount.txt golden)

# Several blocks, so some lines span two reads; the last line has no newline.
string(REPEAT "The pipeline, the PIPELINE; 3 stages of 2 workers each: item_1 item_2\n" 5000 long)
file(WRITE ${scratch}/texts/long.txt "${long}the end")
file(WRITE ${scratch}/texts/deeper/short.txt "pipeline\n\nEnd. 12 x3\n")
file(WRITE ${scratch}/texts/empty.txt "")

foreach(workers 1 4)
  run(--check --workers ${workers} texts missing)
  expect("${status}" EQUAL 0)
  expect("${errors}" MATCHES "^03_wordcount: left out missing: [^\n]+\n$")
  expect("${output}" MATCHES "\ncheck: both counted the same\n$")
  string(REGEX REPLACE "\npipeline .*" "\n" output "${output}")
  string(REPLACE "count(x${workers})" "count(xN)" output "${output}")
  expect("${output}" STREQUAL "${golden}")
endforeach()

# A run that writes a page and a trace.
run(--html run.html --trace run.json texts)
expect("${status}" EQUAL 0)
file(READ ${scratch}/run.html page)
expect("${page}" MATCHES "<title>03_wordcount</title>")
expect("${page}" MATCHES "id=\"timelines\"")
file(READ ${scratch}/run.json trace)
string(JSON events ERROR_VARIABLE mistake LENGTH "${trace}" traceEvents)
expect("${mistake}" STREQUAL "NOTFOUND")
expect("${trace}" MATCHES "\"read_blocks-0\"")

run(--html no/such/folder.html texts)
expect("${status}" EQUAL 1)
expect("${errors}" MATCHES "cannot write no/such/folder.html")

run(missing)
expect("${status}" EQUAL 1)
expect("${errors}" MATCHES "there is no text to count")

foreach(wrong "" "--workers;0;texts" "--workers;two;texts" "--fast;texts")
  run(${wrong})
  expect("${status}" EQUAL 2)
  expect("${errors}" MATCHES "^usage: 03_wordcount")
endforeach()

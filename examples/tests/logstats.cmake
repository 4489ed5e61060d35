# Tests 05_logstats: a small log with malformed lines and a known table; a generated log with --check;
# a file that cannot be read; wrong arguments. The output does not depend on the number of workers.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
file(READ ${examples}/golden/05_logstats.txt golden)

# Three visits of 10.0.0.1, more than half an hour apart, the last one with another time zone; one visit
# of 10.0.0.2 with two requests within half an hour, across the end of a month.
string(CONCAT log
  "10.0.0.1 - - [31/Mar/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 100\n"
  "10.0.0.2 - - [31/Mar/2026:23:59:00 +0000] \"GET /a HTTP/1.0\" 304 -\n"
  "10.0.0.1 - ann lee [31/Mar/2026:10:30:00 +0000] \"GET /b HTTP/1.1\" 404 20 \"-\" \"agent\"\n"
  "2001:db8::1 - - [31/Mar/2026:10:00:00 +0000] \"POST /c HTTP/2\" 503 5000000000\r\n"
  "10.0.0.1 - - [31/Mar/2026:11:00:01 +0000] \"GET /\\\"d\\\" [1] HTTP/1.1\" 500 7\n"
  "10.0.0.1 - - [31/Mar/2026:13:00:02 +0130] \"-\" 400 0\n"
  "10.0.0.2 - - [01/Apr/2026:00:10:00 +0000] \"GET /a HTTP/1.0\" 200 1\n"
  "host.example - - [29/Feb/2024:00:00:00 -0800] \"GET / HTTP/1.1\" 200 3")  # no newline
string(CONCAT malformed
  "\n"
  "no log\n"
  "10.0.0.3 - - [29/Feb/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 1\n"
  "10.0.0.3 - - [31/Mai/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 1\n"
  "10.0.0.3 - - [31/Mar/2026:10:00:00] \"GET / HTTP/1.1\" 200 1\n"
  "10.0.0.3 - - [31/Mar/2026:10:00:00 +0000] \"GET / HTTP/1.1 200 1\n"
  "10.0.0.3 - - [31/Mar/2026:10:00:00 +0000] \"GET / HTTP/1.1\" ok 1\n"
  "10.0.0.3 - - [31/Mar/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 -1\n"
  "10.0.0.3 - - [31/Mar/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200\n")
file(WRITE ${scratch}/access.log "${malformed}${log}")
file(WRITE ${scratch}/malformed.log "${malformed}")

foreach(workers 1 4)
  run(--workers ${workers} access.log)
  expect("${status}" EQUAL 0)
  expect("${errors}" STREQUAL "")
  expect("${output}" STREQUAL "${golden}")

  run(--check --workers ${workers} --lines 20000)
  expect("${status}" EQUAL 0)
  expect("${errors}" STREQUAL "")
  expect("${output}" MATCHES "\nrequests: 1[0-9]+, clients: [0-9]+, malformed lines: [1-9][0-9]*\n")
  expect("${output}" MATCHES "\ncheck: both counted the same\n$")
  set(output_${workers} "${output}")
endforeach()
expect("${output_1}" STREQUAL "${output_4}")

run(missing)
expect("${status}" EQUAL 1)
expect("${errors}" STREQUAL "05_logstats: missing: cannot be read\n")
run(malformed.log)
expect("${status}" EQUAL 1)
expect("${errors}" STREQUAL "05_logstats: there is no request to count\n")

foreach(wrong "--workers;0" "--lines;0" "--lines" "one;two" "--fast")
  run(${wrong})
  expect("${status}" EQUAL 2)
  expect("${errors}" MATCHES "^usage: 05_logstats")
endforeach()

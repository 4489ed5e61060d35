# Tests 04_pgzip. Round trips: gzip accepts the output and restores the input; the bytes do not depend
# on the number of workers.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)

function(same_files one other)
  execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${one} ${other} RESULT_VARIABLE differ)
  if(differ)
    message(FATAL_ERROR "${one} and ${other} differ")
  endif()
endfunction()

function(round_trip file)
  foreach(workers 1 4)
    run(--workers ${workers} -o ${workers}.gz ${file})
    expect("${status}" EQUAL 0)
    expect("${errors}" STREQUAL "")
    expect("${output}" MATCHES "^${workers}.gz: [0-9]+ -> [0-9]+ bytes")
    execute_process(COMMAND ${gzip} -t ${scratch}/${workers}.gz RESULT_VARIABLE bad)
    expect("${bad}" EQUAL 0)
    execute_process(COMMAND ${gzip} -dc ${scratch}/${workers}.gz OUTPUT_FILE ${scratch}/back
                    RESULT_VARIABLE bad)
    expect("${bad}" EQUAL 0)
    same_files(${scratch}/back ${file})
  endforeach()
  same_files(${scratch}/1.gz ${scratch}/4.gz)

  # From the standard input to the standard output: the same bytes.
  execute_process(COMMAND ${program} --workers 2 INPUT_FILE ${file} OUTPUT_FILE ${scratch}/piped.gz
                  RESULT_VARIABLE status ERROR_VARIABLE errors)
  expect("${status}" EQUAL 0)
  same_files(${scratch}/1.gz ${scratch}/piped.gz)
endfunction()

file(WRITE ${scratch}/empty "")
file(WRITE ${scratch}/tiny "x")
string(REPEAT "0123456789abcdef" 8192 block)  # 128 KiB: exactly one block, then one byte more
file(WRITE ${scratch}/block "${block}")
file(WRITE ${scratch}/block_and_one "${block}x")
string(RANDOM LENGTH 300000 RANDOM_SEED 1 noise)
string(REPEAT "${noise}\n" 4 text)
file(WRITE ${scratch}/text "${text}")
foreach(file empty tiny block block_and_one text)
  round_trip(${scratch}/${file})
endforeach()
round_trip(${program})  # a binary file

run(-o text text)
expect("${status}" EQUAL 1)
expect("${errors}" MATCHES "text: is also the input")
run(missing)
expect("${status}" EQUAL 1)
expect("${errors}" MATCHES "^04_pgzip: missing: [^\n]+\n$")
run(-o half.gz .)
expect("${status}" EQUAL 1)
expect("${errors}" MATCHES "^04_pgzip: [^\n]+\n$")
if(EXISTS ${scratch}/half.gz)
  message(FATAL_ERROR "a failed run left an incomplete file")
endif()
foreach(wrong "--workers;0" "one;two" "-z")
  run(${wrong})
  expect("${status}" EQUAL 2)
  expect("${errors}" MATCHES "^usage: 04_pgzip")
endforeach()

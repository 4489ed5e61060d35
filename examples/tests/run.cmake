# Functions for the tests of the examples: run(...) and expect(...).
cmake_minimum_required(VERSION 3.21)

file(REMOVE_RECURSE ${scratch})
file(MAKE_DIRECTORY ${scratch})

# run(ARGUMENT...) runs the example in the scratch directory; sets status, output and errors.
function(run)
  execute_process(COMMAND ${program} ${ARGN} WORKING_DIRECTORY ${scratch} RESULT_VARIABLE result
                  OUTPUT_VARIABLE out ERROR_VARIABLE err)
  set(status "${result}" PARENT_SCOPE)
  set(output "${out}" PARENT_SCOPE)
  set(errors "${err}" PARENT_SCOPE)
endfunction()

# expect("${value}" OPERATOR "expected") fails the test if the comparison is false; OPERATOR is one of if().
function(expect value operator expected)
  if("${value}" ${operator} "${expected}")
    return()
  endif()
  message("---- expected this value\n${value}\n---- ${operator}\n${expected}")
  message("---- status ${status}, standard output:\n${output}\n---- standard error:\n${errors}")
  message(FATAL_ERROR "not as expected")
endfunction()

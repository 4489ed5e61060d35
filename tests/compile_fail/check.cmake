# Compiles SOURCE with its mistake: the first error must hold the text after `// expect: ` in the file.
# That it compiles without is for check_twins.cmake. Run by ctest; the variables come from CMakeLists.txt.

file(STRINGS ${SOURCE} expect REGEX "^// expect: ")
string(REPLACE "// expect: " "" expect "${expect}")
string(REPLACE "\\;" ";" expect "${expect}")  # file(STRINGS) escapes semicolons
if(expect STREQUAL "")
  message(FATAL_ERROR "${SOURCE} has no line that begins with // expect:")
endif()

set(ENV{LC_ALL} C)
execute_process(COMMAND ${COMPILER} -std=c++20 -Werror=unused-result -fsyntax-only ${INCLUDES} ${SOURCE} -DMISTAKE
                        ${FIRST_ERROR_ONLY} RESULT_VARIABLE failed ERROR_VARIABLE output)
if(NOT failed)
  message(FATAL_ERROR "The mistake compiles.")
endif()
# A line at a time by hand: a CMake list would break at the semicolons and brackets in the messages.
string(FIND "${output}" "error:" begin)
string(SUBSTRING "${output}" ${begin} -1 first)
string(FIND "${first}" "\n" end)
string(SUBSTRING "${first}" 0 ${end} first)
string(FIND "${first}" "${expect}" found)
if(found EQUAL -1)
  message(FATAL_ERROR "The first error is\n  ${first}\nand should hold\n  ${expect}\n\n${output}")
endif()

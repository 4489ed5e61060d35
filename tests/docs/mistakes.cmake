# cmake -D TOOL=<pages_to_program> -D LINKS=<check_links> -D HEADERS=<headers.txt> -D COMPILER=...
#       -D SOURCES=<this directory> -D SCRATCH=<a directory> -P mistakes.cmake
#
# Tests the checks of the documentation with pages that have one mistake each: the check must print page and line.
# The pages do not use the library; an empty header replaces it.

cmake_minimum_required(VERSION 3.21)

file(REMOVE_RECURSE ${SCRATCH})
file(WRITE ${SCRATCH}/parallelpipe.hpp "namespace parallelpipe {}\n")
set(begin "```cpp\n#include <parallelpipe.hpp>\n")

# expect(TEXT RESULT OUTPUT): the command must have failed and printed TEXT.
function(expect text result output)
  string(FIND "${output}" "${text}" found)
  if(NOT result OR found EQUAL -1)
    message(SEND_ERROR "expected '${text}', got (${result}) '${output}'")
  endif()
endfunction()

function(make page)
  execute_process(COMMAND ${TOOL} ${SCRATCH} ${HEADERS} ${SCRATCH}/out.cpp ${page}
                  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  set(result "${result}" PARENT_SCOPE)
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(mistake page text message)
  file(WRITE ${SCRATCH}/${page} "A page.\n\n${text}")
  make(${page})
  expect("${page}:${message}" "${result}" "${output}")
endfunction()

mistake(open.md "${begin}int main() {}\n" "3: the block has no end")
mistake(kind.md "${begin}```\n\n```cpp fragments\n```\n" "7: ```cpp fragments: write")
mistake(header.md "```cpp\nint main() {\n}\n```\n" "4: a program begins with #include <parallelpipe.hpp>")
mistake(main.md "${begin}int x;\n```\n" "4: a program ends with int main()")
mistake(name.md "${begin}int main() {\n    std::vector<int> x;\n}\n```\n" "4: std::vector without #include <vector>")
mistake(unknown.md "${begin}int main() {\n    std::wector<int> x;\n}\n```\n" "4: std::wector is not in headers.txt")
mistake(text.md "${begin}int main() {\n}\n```\none\n\ntwo\n\n```text\n1\n```\n" "12: ```text follows no block")

# The compiler reports an error with the line of the page.
file(WRITE ${SCRATCH}/compile.md "A page.\n\n${begin}int main() {\n    int x = nothing;\n}\n```\n")
make(compile.md)
execute_process(COMMAND ${COMPILER} -std=c++20 -I ${SCRATCH} -I ${SOURCES} -fsyntax-only ${SCRATCH}/out.cpp
                RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
expect("compile.md:6" "${result}" "${output}")

# Blocks that compile, but whose output or exit differs from the page. The last block is correct.
set(program "${begin}#include <cstdio>\n#include <cstdlib>\n#include <stdexcept>\nint main() {\n   ")
file(WRITE ${SCRATCH}/run.md "${program} std::puts(\"one\");\n}\n```\nprints\n\n```text\ntwo\n```\n"  # 2
     "${program} return 3;\n}\n```\n"                                                                # 16
     "${program} throw std::runtime_error(\"this\");\n}\n```\n"                                      # 25
     "${program} std::abort();\n}\n```\n"                                                            # 34
     "${program} volatile int x = 0;\n    while (x == 0) {\n    }\n}\n```\n"                                      # 43
     "```cpp fragment\nstd::cout << \"three\\n\";\n```\n\n```text\nfour\n```\n"                      # 54
     "${program} std::exit(0);\n}\n```\n\n```text\nfive\n```\n"                                      # 61
     "${program} std::puts(\"six\");\n}\n```\n\n```text\nsix\n```\n")                                # 74
make(run.md)
if(result)
  message(FATAL_ERROR "${output}")
endif()
execute_process(
  COMMAND ${COMPILER} -std=c++20 -I ${SCRATCH} -I ${SOURCES} ${SCRATCH}/out.cpp ${SOURCES}/run_blocks.cpp -o
          ${SCRATCH}/run COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} -E env PARALLELPIPE_TEST_SECONDS=1 ${SCRATCH}/run run.md
                RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
foreach(message "2: the page says that the block prints\ntwo\nbut it prints\none\n" "16: the block exits with 3"
                "25: the block throws: this" "34: the block ends by signal 6" "43: the block does not end"
                "54: the page says that the block prints\nfour\nbut it prints\nthree\n"
                "61: the page says that the block prints\nfive\nbut it prints\n")
  expect("run.md:${message}" "${result}" "${output}")
endforeach()
expect("run.md: 8 blocks, 7 failed" "${result}" "${output}")
execute_process(COMMAND ${SCRATCH}/run none.md RESULT_VARIABLE result OUTPUT_VARIABLE output)
expect("none.md: 0 blocks" "${result}" "${output}")

# Links: the third line has a dead link to a file, the fourth one to a heading. Code contains no links.
file(WRITE ${SCRATCH}/there.md "# A heading, with `code`\n```\n# none\n```\n")
set(good "[a](there.md), [b](there.md#a-heading-with-code), [c](https://example.invalid/x), `[](int)`\n")
file(WRITE ${SCRATCH}/good.md "${good}\n```cpp\n[](Input<int> in)\n```\n")
file(WRITE ${SCRATCH}/bad.md "${good}\n[d](gone.md)\n[e](there.md#none)\n")
execute_process(COMMAND ${LINKS} ${SCRATCH} good.md COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${LINKS} ${SCRATCH} good.md bad.md RESULT_VARIABLE result OUTPUT_VARIABLE output
                ERROR_VARIABLE output)
expect("bad.md:3: the link to gone.md leads nowhere\nbad.md:4: the link to there.md#none leads nowhere\n"
       "${result}" "${output}")

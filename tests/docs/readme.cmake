# cmake -D ROOT=<the repository> -P readme.cmake: checks that the first program of the README equals the first example,
# that the README shows its output, and that the README has at most 8000 bytes.

file(READ ${ROOT}/README.md readme)
file(READ ${ROOT}/examples/01_hello.cpp example)
file(READ ${ROOT}/examples/golden/01_hello.txt printed)
string(FIND "${readme}" "```cpp" first)
string(FIND "${readme}" "```cpp\n${example}```\n" found)
string(FIND "${readme}" "```text\n${printed}```\n" found_printed)
if(found EQUAL -1 OR NOT found EQUAL first)
  message(SEND_ERROR "the first block of C++ in README.md is not examples/01_hello.cpp")
endif()
if(found_printed LESS first)
  message(SEND_ERROR "README.md does not show the output of examples/01_hello.cpp in a ```text block after it")
endif()
file(SIZE ${ROOT}/README.md bytes)
if(bytes GREATER 8000)
  message(SEND_ERROR "README.md has ${bytes} bytes; it should have 8000 at most: move something to docs/")
endif()

# cmake -D ROOT=<the repository> -P readme.cmake: the README's first program is the first example, to the letter,
# what it prints stands below it, and the whole page stays short enough to be read.

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
  message(SEND_ERROR "README.md does not say what examples/01_hello.cpp prints, as ```text below it")
endif()
file(SIZE ${ROOT}/README.md bytes)
if(bytes GREATER 8000)
  message(SEND_ERROR "README.md has ${bytes} bytes; it should have 8000 at most: move something to docs/")
endif()

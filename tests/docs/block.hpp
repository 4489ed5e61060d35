#pragma once

#include <vector>

namespace docs {

/// A block of C++ in a page; pages_to_program generates the list of them.
struct Block {
    const char* page;
    int line;
    const char* space;  ///< its namespace
    int (*run)(int, char**);
    const char* printed;  ///< its output according to the page; null if the page shows none
};

/// All blocks of the program, in the order of their pages.
inline std::vector<Block>& blocks() {
    static std::vector<Block> all;
    return all;
}

}  // namespace docs

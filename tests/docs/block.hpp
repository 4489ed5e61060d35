#pragma once

#include <vector>

namespace docs {

/// A block of C++ in a page, as pages_to_program writes it down.
struct Block {
    const char* page;
    int line;
    const char* space;  ///< its namespace
    int (*run)(int, char**);
    const char* printed;  ///< what the page says that it prints; null where the page says nothing
};

/// All blocks of the program, in the order of their pages.
inline std::vector<Block>& blocks() {
    static std::vector<Block> all;
    return all;
}

}  // namespace docs

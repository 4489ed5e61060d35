// blocks_to_program README.md EXAMPLE.cpp OUT.cpp: writes a program that runs the README's C++ blocks in order.
// The first block has to be EXAMPLE.cpp to the letter; the others become the body of a function each.

#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::string contents(const char* path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::vector<std::string> cpp_blocks(const char* path) {
    std::ifstream in(path);
    std::vector<std::string> blocks;
    bool inside = false;
    for (std::string line; std::getline(in, line);) {
        if (!inside && line == "```cpp") {
            inside = true;
            blocks.emplace_back();
        } else if (inside && line == "```") {
            inside = false;
        } else if (inside) {
            blocks.back() += line + '\n';
        }
    }
    return blocks;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: blocks_to_program README.md EXAMPLE.cpp OUT.cpp\n";
        return 2;
    }
    const std::vector<std::string> blocks = cpp_blocks(argv[1]);
    if (blocks.empty() || blocks.front() != contents(argv[2])) {
        std::cerr << "the first C++ block of " << argv[1] << " is not " << argv[2] << '\n';
        return 1;
    }
    std::ofstream out(argv[3]);
    out << "#include <parallelpipe.hpp>\n";
    for (const char* header : {"atomic", "iostream", "sstream", "stdexcept", "string", "unordered_map",
                               "vector", "ranges"})
        out << "#include <" << header << ">\n";
    out << "using namespace parallelpipe;\n";
    for (std::size_t i = 1; i < blocks.size(); ++i)
        out << "static void block_" << i << "() {\n" << blocks[i] << "}\n";
    out << "int main() {\n";
    for (std::size_t i = 1; i < blocks.size(); ++i) out << "    block_" << i << "();\n";
    out << "}\n";
    return out.flush() ? 0 : 1;
}

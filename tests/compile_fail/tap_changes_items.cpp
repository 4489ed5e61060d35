// tap only looks at the items; map_stage changes them.
// expect: tap shows its function each item as a const lvalue

#include <parallelpipe.hpp>

#include <string>
#include <vector>

using namespace parallelpipe;

std::vector<std::string> words;

#ifdef MISTAKE
auto made = words | tap([](std::string& word) { word += '!'; });
#else
auto made = words | tap([](const std::string& word) { static_cast<void>(word.size()); }) |
            map_stage([](std::string word) { return word + '!'; });
#endif

// A function becomes a stage by stage(f) or map_stage(f), also after a range.
// expect: is a function, not a stage; wrap it: range | map_stage(f)

#include <parallelpipe.hpp>

#include <cstddef>
#include <string>
#include <vector>

using namespace parallelpipe;

const std::vector<std::string> words = {"a", "b"};
std::size_t length(const std::string& word) { return word.size(); }

#ifdef MISTAKE
auto made = words | length;
#else
auto made = words | map_stage(length);
#endif

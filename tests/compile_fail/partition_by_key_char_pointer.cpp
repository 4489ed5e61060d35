// Two equal texts have two addresses.
// expect: a key that is a char* would be told by its address

#include <parallelpipe.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace parallelpipe;

auto sizes = map_stage([](const std::string& s) { return s.size(); });

#ifdef MISTAKE
auto made = sizes.partition_by([](const std::string& s) { return s.c_str(); });
#else
auto made = sizes.partition_by([](const std::string& s) { return std::string_view(s); });
#endif

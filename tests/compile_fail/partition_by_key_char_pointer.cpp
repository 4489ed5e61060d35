// Two equal texts have two addresses.
// expect: keys of type char* would be compared by address; return a std::string_view

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

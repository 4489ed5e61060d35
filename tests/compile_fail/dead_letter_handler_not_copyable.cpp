// Each worker has a copy of the handler.
// expect: every worker gets its own copy of the dead-letter handler

#include <parallelpipe.hpp>

#include <exception>
#include <memory>

using namespace parallelpipe;

auto lost = std::make_shared<int>(0);

#ifdef MISTAKE
auto made = map_stage([](int x) { return x; })
                .dead_letter([lost = std::make_unique<int>()](std::exception_ptr, int&) { ++*lost; });
#else
auto made = map_stage([](int x) { return x; }).dead_letter([shared = lost](std::exception_ptr, int&) { ++*shared; });
#endif

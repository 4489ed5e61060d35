// A generator cannot be resumed after an exception, so its stage has no dead letters.
// expect: a stage function that takes an Input has no dead_letter

#include <parallelpipe.hpp>

#include <exception>

using namespace parallelpipe;

const auto ignore = [](std::exception_ptr, int&) {};

#ifdef MISTAKE
auto made = stage([](Input<int> items) -> generator<int> {
                for (int x : items) co_yield x;
            }).dead_letter(ignore);
#else
auto made = map_stage([](int x) { return x; }).dead_letter(ignore);
#endif

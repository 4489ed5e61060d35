// A stage that is made and dropped.
// expect: nothing has run: this only says what is to run

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
auto add_n = stage([](Input<int> in, int n) -> generator<int> {
    for (int x : in) co_yield x + n;
});

#ifdef MISTAKE
void run() { add_n(7); }
#else
void run() { (numbers | add_n(7)).execute(); }
#endif

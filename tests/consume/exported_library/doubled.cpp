#include "doubled.hpp"

using namespace parallelpipe;

Stage<int, int> doubled() {
    return stage({.name = "doubled"}, [](Input<int> in) -> generator<int> {
        for (int number : in) co_yield 2 * number;
    });
}

#include "two_units.hpp"

parallelpipe::Pipeline<int, int> doubled() {
    return parallelpipe::map_stage([](int number) { return 2 * number; })() |
           parallelpipe::Stage([](parallelpipe::Input<int> in) -> parallelpipe::generator<int> {
               for (int number : in) co_yield number;
           });
}

std::size_t index_seen_by_the_other_unit() { return parallelpipe::this_worker::index(); }

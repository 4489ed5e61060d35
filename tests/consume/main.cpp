// A small program that uses the library, built by every consumer project of this folder, with many warnings.

#include <parallelpipe.hpp>

// A consumer with a concurrentqueue.h of its own: the library must include the same file.
#if defined(OWN_QUEUE_HEADER)
#include OWN_QUEUE_HEADER
#if !defined(OWN_QUEUE_MARK)
#error "not the consumer's own concurrentqueue.h"
#endif
moodycamel::ConcurrentQueue<int> own_queue;
#endif

#include <iostream>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <vector>

using namespace parallelpipe;

generator<std::unique_ptr<int>> numbers(int last) {
    for (int number = 1; number <= last; ++number) co_yield std::make_unique<int>(number);
}

struct Scale {
    int factor;
    generator<int> apply(Input<std::unique_ptr<int>> in) const {
        for (auto& number : in) co_yield factor**number;
    }
};

int main() {
    auto halve = map_stage({.workers = 2, .ordered = true}, [](int number) {
        if (number < 0) throw std::invalid_argument("negative");
        return number / 2;
    });
    auto sum = stage([](Input<int> in) -> generator<long> {
        long total = 0;
        for (int number : in) total += number;
        co_yield total;
    });

    const auto pipe = Stage(numbers, 10) | Stage(&Scale::apply, Scale{4}) | halve | sum;
    const long total = pipe.execute();
    std::cout << pipe << " = " << total << '\n';
    if (total != 110) return 1;
    int halves = 0;
    for (const int half : (std::views::iota(0, 6) | halve).results()) halves += half;
    if (halves != 6) return 1;
    try {
        (std::vector{-1} | halve).execute();
    } catch (const TaskException& error) {
        std::cout << error.what() << '\n';
        return 0;
    }
    return 1;
}

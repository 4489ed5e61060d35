// A bound argument that can be neither copied nor moved.
// expect: one of these cannot be copied

#include <parallelpipe.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;

std::mutex mutex;
const std::vector<int> numbers{1, 2};
const auto locked = stage([](Input<int> in, std::mutex&) { for (int x : in) static_cast<void>(x); });
#ifdef MISTAKE
auto made = numbers | locked(mutex);
#else
auto made = numbers | locked(std::ref(mutex));
#endif

// With a dead-letter handler the function of filter returns true or false, too.
// expect: this function does not fit its stage

#include <parallelpipe.hpp>

#include <exception>
#include <string>
#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};
const auto handler = [](std::exception_ptr, int&) {};

#ifdef MISTAKE
void make() { numbers | filter([](int) { return std::string(); }).dead_letter(handler); }
#else
auto made = numbers | filter([](int) { return true; }).dead_letter(handler);
#endif

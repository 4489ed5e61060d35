// A handler does not hide what is wrong with the function.
// expect: this function is not what its verb calls

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

// A program that uses parallelpipe and opens the library of stages as a plugin.

#include "border.hpp"
#include "plugin.hpp"

int main() { return failures_of(*function_of<const Stages*()>(PLUGIN, RTLD_LOCAL, "stages")()); }

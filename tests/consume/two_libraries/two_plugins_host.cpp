// A program that does not know parallelpipe: one plugin runs what the other one has made. The symbols of the one
// that is opened first are there for all.

#include "border.hpp"
#include "plugin.hpp"

int main() {
    const auto failures = function_of<int(const Stages&)>(OTHER_PLUGIN, RTLD_GLOBAL, "failures_of");
    return failures(*function_of<const Stages*()>(PLUGIN, RTLD_LOCAL, "stages")());
}

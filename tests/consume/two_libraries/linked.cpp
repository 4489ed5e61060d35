// A program that links both libraries.

#include "border.hpp"

int main() { return failures_of(*stages()); }

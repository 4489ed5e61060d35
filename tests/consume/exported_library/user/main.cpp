#include <doubled.hpp>

int main() { return to_string(doubled()).starts_with("doubled") ? 0 : 1; }

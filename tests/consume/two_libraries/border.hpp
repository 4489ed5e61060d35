#ifndef BORDER_HPP
#define BORDER_HPP

// What may cross the border of a library that is compiled with -fvisibility=hidden.
#define EXPORTED __attribute__((visibility("default")))

struct Stages;

/// The library that makes stages. A plugin hands out the same table under this name.
extern "C" EXPORTED const Stages* stages();

/// Runs each stage of the table and checks what comes out. Returns: how many checks have failed.
extern "C" EXPORTED int failures_of(const Stages& made);

#endif

// A pipeline that is made and not run.
// expect: nothing has run: this only says what is to run; write (source | stage).execute()

#include <parallelpipe.hpp>

#include <vector>

using namespace parallelpipe;

const std::vector numbers = {1, 2};

#ifdef MISTAKE
void run() { numbers | for_each([](int) {}); }
#else
void run() { (numbers | for_each([](int) {})).execute(); }
#endif

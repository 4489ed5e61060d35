// A state for a handler.
// expect: a dead-letter handler is called with the error and the item

#include <parallelpipe.hpp>

#include <exception>

using namespace parallelpipe;

struct Client {
    explicit Client(int number) : port(number) {}
    int port;
};

#ifdef MISTAKE
auto made = map_stage([](int x) { return x; })
                .dead_letter(with_state([] { return Client(80); }, [](Client&, std::exception_ptr, int&) {}));
#else
auto made = map_stage([](int x) { return x; }).dead_letter([](std::exception_ptr, int&) {});
#endif

// The same as a Stage at once.
// expect: with_state is for the stages that call a function with each item, such as map_stage; in a stage function make the state before the loop

#include <parallelpipe.hpp>

using namespace parallelpipe;

struct Client {
    explicit Client(int number) : port(number) {}
    int port;
};

#ifdef MISTAKE
auto made = Stage<int, int>(with_state([] { return Client(80); }, [](Client& client, auto items) -> generator<int> {
    for (int x : items) co_yield client.port + x;
}));
#else
auto made = Stage<int, int>([](auto items) -> generator<int> {
    Client client(80);
    for (int x : items) co_yield client.port + x;
});
#endif

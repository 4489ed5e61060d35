// The state itself where with_state takes the function that makes it.
// expect: the first function of with_state makes the state of a worker: it takes nothing and returns the state by value

#include <parallelpipe.hpp>

using namespace parallelpipe;

struct Client {
    explicit Client(int number) : port(number) {}
    int port;
};

#ifdef MISTAKE
auto made = map_stage(with_state(Client(80), [](Client& client, int x) { return client.port + x; }));
#else
auto made = map_stage(with_state([] { return Client(80); }, [](Client& client, int x) { return client.port + x; }));
#endif

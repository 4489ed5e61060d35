// The state after the item.
// expect: the second function of with_state takes the state first, and then the item

#include <parallelpipe.hpp>

using namespace parallelpipe;

struct Client {
    explicit Client(int number) : port(number) {}
    int port;
};

#ifdef MISTAKE
auto made = filter(with_state([] { return Client(80); }, [](int x, Client& client) { return client.port < x; }));
#else
auto made = filter(with_state([] { return Client(80); }, [](Client& client, int x) { return client.port < x; }));
#endif

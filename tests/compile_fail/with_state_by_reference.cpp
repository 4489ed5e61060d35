// A state that the workers would share.
// expect: the first function of with_state makes the state of a worker: it takes nothing and returns the state by value

#include <parallelpipe.hpp>

using namespace parallelpipe;

struct Client {
    explicit Client(int number) : port(number) {}
    int port;
};
Client shared(80);

#ifdef MISTAKE
auto made = tap(with_state([]() -> Client& { return shared; }, [](Client& client, int x) { client.port += x; }));
#else
auto made = tap(with_state([]() -> Client { return shared; }, [](Client& client, int x) { client.port += x; }));
#endif

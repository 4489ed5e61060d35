// A function that not every worker can have a copy of.
// expect: every worker gets its own copy of the callable and of its bound arguments, and one of these cannot be copied

#include <parallelpipe.hpp>

#include <memory>
#include <utility>

using namespace parallelpipe;

struct Client {
    explicit Client(int number) : port(number) {}
    int port;
};
auto port = std::make_unique<int>(80);

#ifdef MISTAKE
auto made = for_each(with_state([own = std::move(port)] { return Client(*own); }, [](Client&, int) {}));
#else
auto made = for_each(with_state([shared = port.get()] { return Client(*shared); }, [](Client&, int) {}));
#endif

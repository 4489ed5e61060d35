// An item that cannot be moved goes through a pipeline as a std::unique_ptr.
// expect: for what cannot be moved Input<std::unique_ptr<T>>

#include <parallelpipe.hpp>

#include <memory>

using namespace parallelpipe;

struct Immovable {
    Immovable() = default;
    Immovable(Immovable&&) = delete;
};

#ifdef MISTAKE
void consume(Input<Immovable> items);
auto made = stage(consume);
#else
void consume(Input<std::unique_ptr<Immovable>> items);
auto made = stage(consume);
#endif

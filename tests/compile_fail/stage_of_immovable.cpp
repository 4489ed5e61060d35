// The results of a stage can be moved.
// expect: for what cannot be moved std::unique_ptr<T>

#include <parallelpipe.hpp>

#include <memory>

using namespace parallelpipe;

struct Immovable {
    Immovable() = default;
    Immovable(Immovable&&) = delete;
};
const auto drop_all = [](auto items) { for (auto& item : items) static_cast<void>(item); };

#ifdef MISTAKE
Stage<Immovable, void> made(drop_all);
#else
Stage<std::unique_ptr<Immovable>, void> made(drop_all);
#endif

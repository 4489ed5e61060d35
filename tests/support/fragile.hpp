#ifndef PARALLELPIPE_TESTS_FRAGILE_HPP
#define PARALLELPIPE_TESTS_FRAGILE_HPP

#include <atomic>
#include <stdexcept>
#include <utility>

namespace support {

/// Counts down; who brings it to 0 throws. Negative: never.
struct Fuse {
    explicit Fuse(long steps = -1) : left(steps) {}

    void step() {
        long steps = left.load();
        while (steps > 0 && !left.compare_exchange_weak(steps, steps - 1)) {
        }
        if (steps == 1) throw std::runtime_error("burnt");
    }

    std::atomic<long> left;
    std::atomic<long> alive{0};
};

/// An item whose moves and copies burn down a fuse. Its lives are counted.
class Fragile {
public:
    Fragile(Fuse& fuse, int number) : value(number), fuse_(&fuse) { ++fuse_->alive; }
    Fragile(const Fragile& other) : value(other.value), fuse_(other.fuse_) {
        fuse_->step();
        ++fuse_->alive;
    }
    Fragile(Fragile&& other) noexcept(false) : value(other.value), fuse_(other.fuse_) {
        fuse_->step();
        ++fuse_->alive;
    }
    Fragile& operator=(const Fragile&) = delete;
    Fragile& operator=(Fragile&&) = delete;
    ~Fragile() { --fuse_->alive; }

    int value;

private:
    Fuse* fuse_;
};

/// A callable's or an argument's state whose copies burn down a fuse.
struct FragileState {
    explicit FragileState(Fuse& f) : fuse(&f) {}
    FragileState(const FragileState& other) : fuse(other.fuse) { fuse->step(); }
    FragileState(FragileState&& other) noexcept : fuse(other.fuse) {}
    FragileState& operator=(const FragileState&) = default;
    FragileState& operator=(FragileState&&) = default;
    ~FragileState() = default;

    Fuse* fuse;
};

}  // namespace support

#endif

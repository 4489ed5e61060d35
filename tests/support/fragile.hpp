#ifndef PARALLELPIPE_TESTS_FRAGILE_HPP
#define PARALLELPIPE_TESTS_FRAGILE_HPP

#include <atomic>
#include <stdexcept>
#include <utility>

namespace support {

/// Counts down; the call of step() that reaches 0 throws. A negative number never throws.
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

/// An item whose moves and copies call Fuse::step(), so one of them throws. Counts the living items.
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

/// The state of a callable or an argument whose copies call Fuse::step(), so one of them throws.
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

#ifndef PARALLELPIPE_TESTS_COUNTED_HPP
#define PARALLELPIPE_TESTS_COUNTED_HPP

#include <atomic>

namespace support {

/// Counts the living objects, copies and moves of `Counted`, from any thread. Each test has a `Tally` of its own.
struct Tally {
    std::atomic<long> alive{0};
    std::atomic<long> copies{0};
    std::atomic<long> moves{0};
};

/// An item that reports to a Tally. Not default constructible.
class Counted {
public:
    Counted(Tally& tally, int number) : value(number), tally_(&tally) { ++tally_->alive; }
    Counted(const Counted& other) : value(other.value), tally_(other.tally_) {
        ++tally_->alive;
        ++tally_->copies;
    }
    Counted(Counted&& other) noexcept : value(other.value), tally_(other.tally_) {
        ++tally_->alive;
        ++tally_->moves;
    }
    Counted& operator=(const Counted& other) {
        value = other.value;
        ++tally_->copies;
        return *this;
    }
    Counted& operator=(Counted&& other) noexcept {
        value = other.value;
        ++tally_->moves;
        return *this;
    }
    ~Counted() { --tally_->alive; }

    int value;

private:
    Tally* tally_;
};

}  // namespace support

#endif

#ifndef PARALLELPIPE_TESTS_DICE_HPP
#define PARALLELPIPE_TESTS_DICE_HPP

#include <parallelpipe.hpp>

#include <cstdint>
#include <thread>

namespace support {

/// A random sequence. Each worker has its own, so workers share nothing.
class Dice {
public:
    explicit Dice(std::uint64_t seed) : state_(seed * 2654435769U + 1) {}
    unsigned operator()(unsigned sides) {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 7U;
        state_ ^= state_ << 17U;
        return static_cast<unsigned>(state_ % sides);
    }

private:
    std::uint64_t state_;
};

/// In one of `one_in` calls, spins for a moment or yields.
inline void maybe_pause(Dice& dice, unsigned one_in) {
    if (dice(one_in) != 0) return;
    if (dice(2) == 0)
        std::this_thread::yield();
    else
        for (unsigned i = dice(300); i != 0; --i) parallelpipe::detail::cpu_pause();
}

}  // namespace support

#endif

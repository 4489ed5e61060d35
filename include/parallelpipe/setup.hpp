#ifndef PARALLELPIPE_SETUP_HPP
#define PARALLELPIPE_SETUP_HPP

#include <cstddef>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace parallelpipe {

/// The settings of a stage, for designated initialisers: `{.workers = 4, .qsize = 100}`.
/// Every field is optional; a field left out keeps its value.
struct Setup {
    /// Threads of the stage. Default 1.
    std::optional<std::size_t> workers = std::nullopt;
    /// How many results of the stage may wait in its output queue; 0 is unlimited.
    /// Default: bounded, never more than 1024.
    std::optional<std::size_t> qsize = std::nullopt;
    /// The name in errors, statistics and of OS threads. Default `stage_K`, K = position from 0.
    std::optional<std::string> name = std::nullopt;
};

namespace detail {

/// Errors: `std::invalid_argument` for a value that no stage can have.
inline void validate(const Setup& setup) {
    const std::string stage = setup.name ? " of stage \"" + *setup.name + '"' : "";
    // A negative number becomes a huge one on its way into std::size_t.
    constexpr std::size_t negative = std::numeric_limits<std::size_t>::max() / 2;
    if (setup.workers && *setup.workers == 0)
        throw std::invalid_argument("parallelpipe: workers" + stage +
                                    " is 0: a stage needs at least one worker");
    if (setup.workers && *setup.workers > negative)
        throw std::invalid_argument("parallelpipe: workers" + stage +
                                    " is negative: a stage needs at least one worker");
    if (setup.qsize && *setup.qsize > negative)
        throw std::invalid_argument("parallelpipe: qsize" + stage +
                                    " is negative: write 0 for an unlimited queue");
}

/// Changes the fields of `settings` that `changes` has.
/// Errors: those of validate(); nothing has changed then.
inline void apply(Setup& settings, Setup changes) {
    validate(changes);
    const auto take = [](auto& to, auto& from) {
        if (from) to = std::move(from);
    };
    take(settings.workers, changes.workers);
    take(settings.qsize, changes.qsize);
    take(settings.name, changes.name);
}

}  // namespace detail

}  // namespace parallelpipe

#endif

// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_OBSERVE_VERDICT_HPP
#define PARALLELPIPE_OBSERVE_VERDICT_HPP

#include <cstddef>
#include <ostream>
#include <string>

namespace parallelpipe::inline v0 {

/// What limits a run, as explain() found it.
struct Verdict {
    /// What limits it.
    enum class Kind {
        /// Unknown: the run has not begun, was too short, or measured no times, as an inline run.
        too_early,
        /// One stage limits the run and computes.
        cpu_bound,
        /// One stage limits the run and mostly waits inside its function: for a file, a lock, a sleep.
        io_bound,
        /// The source limits the run.
        input_bound,
        /// The thread that takes the results limits the run; never if the pipeline ends in a sink.
        consumer_bound,
        /// One worker limits the run while its siblings have nothing to do.
        one_worker,
        /// The results of an ordered stage wait for an earlier item.
        order_bound,
        /// Handing an item over costs about as much as the work on it.
        too_fine,
        /// All cores are busy.
        machine_full,
        /// Two stages are equally busy; either limits the run.
        balanced,
        /// No stage is busy for long: the stages wait for each other in turn.
        uneven
    };

    /// The value of `stage` that means none.
    static constexpr std::size_t no_stage = static_cast<std::size_t>(-1);

    Kind kind = Kind::too_early;
    /// The stage that the verdict names, an index into `Statistics::stages`; the number of stages means the consumer.
    std::size_t stage = no_stage;
    /// One or two sentences: what limits the run, how that shows, what to change.
    std::string text{};

    friend std::ostream& operator<<(std::ostream& out, const Verdict& verdict) {
        return out << verdict.text;
    }
};

/// The name of the enumerator: `cpu_bound`.
inline const char* to_string(Verdict::Kind kind) {
    switch (kind) {
        case Verdict::Kind::too_early:
            return "too_early";
        case Verdict::Kind::cpu_bound:
            return "cpu_bound";
        case Verdict::Kind::io_bound:
            return "io_bound";
        case Verdict::Kind::input_bound:
            return "input_bound";
        case Verdict::Kind::consumer_bound:
            return "consumer_bound";
        case Verdict::Kind::one_worker:
            return "one_worker";
        case Verdict::Kind::order_bound:
            return "order_bound";
        case Verdict::Kind::too_fine:
            return "too_fine";
        case Verdict::Kind::machine_full:
            return "machine_full";
        case Verdict::Kind::balanced:
            return "balanced";
        case Verdict::Kind::uneven:
            return "uneven";
    }
    return "unknown";
}

}  // namespace parallelpipe

#endif

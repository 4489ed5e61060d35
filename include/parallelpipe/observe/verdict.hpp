// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_OBSERVE_VERDICT_HPP
#define PARALLELPIPE_OBSERVE_VERDICT_HPP

#include <cstddef>
#include <ostream>
#include <string>

namespace parallelpipe::inline v0 {

/// What limits a run, as `explain` found it.
struct Verdict {
    enum class Kind {
        /// Nothing can be said yet: the run has not begun, or lasted too short a time.
        too_early,
        /// Items passed, but no times were measured, as in an inline run.
        not_measured,
        /// One stage limits the run, with work for the processor.
        cpu_bound,
        /// One stage limits the run, and mostly waits in its function: for a file, a lock, a sleep.
        io_bound,
        /// The source limits the run.
        input_bound,
        /// The thread that takes the results limits the run. Never where the pipeline ends in a sink.
        consumer_bound,
        /// One worker limits the run while its siblings have nothing to do.
        one_worker,
        /// The results of an ordered stage wait for an earlier item.
        order_bound,
        /// To hand an item on costs about as much as the work that is done with it.
        too_fine,
        /// All cores are busy.
        machine_full,
        /// Two stages are equally busy; either limits the run.
        balanced,
        /// Nobody is busy for long: the stages wait for each other in turn.
        uneven
    };

    /// `stage` when it is none.
    static constexpr std::size_t no_stage = static_cast<std::size_t>(-1);

    Kind kind = Kind::too_early;
    /// Whom the verdict names: an index into `Statistics::stages`; their number is the consumer.
    std::size_t stage = no_stage;
    /// One or two sentences: who limits the run, how one sees it, what to change.
    std::string text{};

    friend std::ostream& operator<<(std::ostream& out, const Verdict& verdict) {
        return out << verdict.text;
    }
};

/// The kind's name as it stands in the code, `cpu_bound`.
inline const char* to_string(Verdict::Kind kind) {
    switch (kind) {
        case Verdict::Kind::too_early:
            return "too_early";
        case Verdict::Kind::not_measured:
            return "not_measured";
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

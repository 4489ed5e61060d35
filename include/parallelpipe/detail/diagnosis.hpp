#ifndef PARALLELPIPE_DETAIL_DIAGNOSIS_HPP
#define PARALLELPIPE_DETAIL_DIAGNOSIS_HPP

#include <parallelpipe/detail/load.hpp>
#include <parallelpipe/detail/readable.hpp>
#include <parallelpipe/statistics.hpp>
#include <parallelpipe/verdict.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace parallelpipe::detail {

// From here on is a matter of judgement: the borders between the verdicts.

/// In a shorter run the start of the threads is most of what was measured.
inline constexpr std::chrono::nanoseconds shortest_run = std::chrono::milliseconds(5);
/// Below this, and with so many items that it is no chance, a step costs less than its hop.
inline constexpr double cost_of_hop = 200e-9;  // seconds
inline constexpr std::uint64_t many_items = 1000;
/// A worker that sleeps between two items costs about this much.
inline constexpr double cost_of_sleep = 5e-6;  // seconds
inline constexpr double clearly_busy = 0.85;
inline constexpr double mostly_busy = 0.5;
/// A share of waiting that is not just noise.
inline constexpr double noticeable = 0.2;
inline constexpr double equally_busy = 0.07;
inline constexpr double all_of_the_machine = 0.9;
/// Time on a core per time busy, below which a stage function waits by itself. Twice that when it
/// is known how long it waited for the core.
inline constexpr double waits_inside = 0.3;

/// Reads who limits a run from who waits for whom.
///
/// A worker's time is busy, or waiting for input, or for room. In a run that one stage limits, that
/// stage is busy all the time; the stages before it wait for room, those behind it for input. So
/// the busiest is the bottleneck, when shares are taken of the whole run: a source that ended early
/// is not. By the wall clock alone, a stage that computes, one that sleeps and one that others keep
/// from the cores look the same; `cpu` and `ready` tell them apart.
///
/// The consumer stands behind the last stage, as one more of one worker.
class diagnosis {
public:
    explicit diagnosis(const Statistics& stats) : stats_(stats), consumer_(stats.stages.size()) {
        for (const StageStatistics& stage : stats.stages)
            loads_.push_back(load_of(stage, stats.elapsed));
        loads_.push_back(load_of(stats.consumer, stats.elapsed));
        for (std::size_t i = 0; i < loads_.size(); ++i)
            if (loads_[i].busy > loads_[busiest_].busy) busiest_ = i;
        second_ = busiest_ == 0 ? 1 : 0;
        for (std::size_t i = 0; i < loads_.size(); ++i)
            if (i != busiest_ && loads_[i].busy > loads_[second_].busy) second_ = i;
        const std::chrono::nanoseconds all = stats.elapsed * static_cast<std::int64_t>(stats.cores);
        knows_ready_ =
            stats.consumer.ready.count() > 0 ||
            std::ranges::any_of(stats.stages, [](const auto& s) { return s.ready.count() > 0; });
        machine_ = share_of(wanted(stats), all);
    }

    /// Kind and stage; no text.
    Verdict verdict() const {
        using enum Verdict::Kind;
        if (!has_begun() || !has_items()) return {.kind = too_early};
        if (!has_times()) return {.kind = not_measured};
        if (stats_.elapsed < shortest_run) return {.kind = too_early};

        const double busy = loads_[busiest_].busy;
        if (nobody_takes_results()) return {.kind = consumer_bound, .stage = consumer_};
        if (busy >= mostly_busy && is_fine(busiest_, cost_of_hop))
            return {.kind = too_fine, .stage = busiest_};
        if (busy < clearly_busy) {
            if (const std::size_t at = held_up_by_order(); at != consumer_)
                return {.kind = order_bound, .stage = at};
            if (const std::size_t at = one_busy_worker(); at != consumer_)
                return {.kind = one_worker, .stage = at};
        }
        if (is_machine_full() && !is_serial(busiest_))
            return {.kind = machine_full, .stage = most_expensive()};
        if (busy < mostly_busy) {
            if (is_fine(busiest_, cost_of_sleep)) return {.kind = too_fine, .stage = busiest_};
            return {.kind = uneven, .stage = waits_in_turn()};
        }
        if (busy >= 0.75 && loads_[second_].busy >= busy - equally_busy)
            return {.kind = balanced, .stage = busiest_};
        if (busiest_ == consumer_) return {.kind = consumer_bound, .stage = consumer_};
        if (busiest_ == 0) return {.kind = input_bound, .stage = 0};
        return {.kind = sleeps(busiest_) ? io_bound : cpu_bound, .stage = busiest_};
    }

    bool has_begun() const { return !stats_.stages.empty() && stats_.elapsed.count() > 0; }
    bool has_items() const {
        return stats_.consumer.items > 0 ||
               std::ranges::any_of(stats_.stages, [](const auto& s) { return handled(s) > 0; });
    }

    /// By stage, the consumer at the end.
    const std::vector<load>& loads() const { return loads_; }
    std::size_t second() const { return second_; }
    /// What part of all cores the threads had or would have used; 0 is unknown.
    double machine() const { return machine_; }

    /// Busy per item, in seconds; the processor's share of it where that is known and not waiting.
    double work_per_item(std::size_t at) const {
        const bool is_consumer = at == consumer_;
        const auto items = is_consumer ? stats_.consumer.items : handled(stats_.stages[at]);
        const auto busy = is_consumer ? stats_.consumer.busy : stats_.stages[at].busy;
        const auto cpu = is_consumer ? stats_.consumer.cpu : stats_.stages[at].cpu;
        if (items == 0) return 0;
        const auto work = cpu.count() > 0 && !sleeps(at) ? std::min(busy, cpu) : busy;
        return in_seconds(work) / static_cast<double>(items);
    }

    /// Whether its time busy is mostly spent neither on a core nor waiting for one. Where `ready`
    /// is not known, a stage that others keep from the cores looks the same.
    bool sleeps(std::size_t at) const {
        const load& here = loads_[at];
        if (here.cpu <= 0) return false;
        return here.wanted < (knows_ready_ ? 2 : 1) * waits_inside * here.busy;
    }

    std::size_t most_expensive() const {
        std::size_t most = consumer_;
        auto cpu = stats_.consumer.cpu;
        for (std::size_t i = 0; i < consumer_; ++i)
            if (stats_.stages[i].cpu > cpu) cpu = stats_.stages[most = i].cpu;
        return most;
    }

private:
    bool has_times() const {
        return std::ranges::any_of(loads_, [](const load& l) {
            return l.busy > 0 || l.waiting_for_input > 0 || l.waiting_for_room > 0;
        });
    }

    bool is_fine(std::size_t at, double border) const {
        const auto items = at == consumer_ ? stats_.consumer.items : handled(stats_.stages[at]);
        // Where items come rarely, nobody cares what a hop costs.
        return items >= many_items && work_per_item(at) < border &&
               in_seconds(stats_.elapsed) / static_cast<double>(items) < 20 * cost_of_sleep;
    }

    /// All cores are at work, and not only at waking each other up.
    bool is_machine_full() const {
        std::chrono::nanoseconds busy = stats_.consumer.busy;
        for (const StageStatistics& stage : stats_.stages) busy += stage.busy;
        return machine_ >= all_of_the_machine &&
               in_seconds(busy) >= 0.7 * in_seconds(wanted(stats_));
    }

    /// What the next one waits for input.
    double next_waits(std::size_t stage) const { return loads_[stage + 1].waiting_for_input; }

    /// A stage waits for room and the next one for input: only in an ordered stage can both go on
    /// at the same time, when an earlier result is missing. `consumer_` is none.
    std::size_t held_up_by_order() const {
        std::size_t found = consumer_;
        double most = 0.3;
        for (std::size_t i = 0; i < consumer_; ++i) {
            if (!stats_.stages[i].is_ordered || stats_.stages[i].workers < 2) continue;
            const double held = std::min(loads_[i].waiting_for_room, next_waits(i));
            if (held >= most) most = held, found = i;
        }
        return found;
    }

    /// A stage of which one worker is busier than any stage as a whole, and the others are idle.
    /// `consumer_` is none.
    std::size_t one_busy_worker() const {
        std::size_t found = consumer_;
        double most = std::max(loads_[busiest_].busy + 0.1, 0.6);
        for (std::size_t i = 0; i < consumer_; ++i) {
            const auto& each = stats_.stages[i].each;
            if (each.size() < 2) continue;
            const auto top = std::ranges::max(each, {}, &WorkerStatistics::busy).busy;
            const double rest =
                share_of(stats_.stages[i].busy - top, stats_.elapsed, each.size() - 1);
            const double share = share_of(top, stats_.elapsed);
            if (share >= most && rest <= share / 2) most = share, found = i;
        }
        return found;
    }

    /// Whether the consumer or the source limits the run whatever the machine: alone, with a core
    /// for itself, while the one beside it waits.
    bool is_serial(std::size_t at) const {
        const load& here = loads_[at];
        if (here.busy < clearly_busy || (here.cpu > 0 && here.cpu < 0.8 * here.busy)) return false;
        if (at == consumer_) return loads_[at - 1].waiting_for_room >= noticeable;
        return at == 0 && stats_.stages[0].workers == 1 && next_waits(0) >= noticeable;
    }

    /// The results are there, but the loop that takes them is elsewhere.
    bool nobody_takes_results() const {
        return has_results(stats_) && loads_[busiest_].busy < mostly_busy &&
               loads_[consumer_ - 1].waiting_for_room >= mostly_busy &&
               loads_[consumer_].waiting_for_input < noticeable;
    }

    /// The stage behind which both sides wait most; `no_stage` if there is none.
    std::size_t waits_in_turn() const {
        std::size_t found = Verdict::no_stage;
        double most = 0.1;
        for (std::size_t i = 0; i < consumer_; ++i) {
            const double both = std::min(loads_[i].waiting_for_room, next_waits(i));
            if (both > most) most = both, found = i;
        }
        return found;
    }

    const Statistics& stats_;
    const std::size_t consumer_;
    std::vector<load> loads_;
    std::size_t busiest_ = 0;
    std::size_t second_ = 0;
    double machine_ = 0;
    bool knows_ready_ = false;
};

}  // namespace parallelpipe::detail

#endif

// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_DIAGNOSIS_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_DIAGNOSIS_HPP

#include <parallelpipe/detail/observe/load.hpp>
#include <parallelpipe/detail/observe/readable.hpp>
#include <parallelpipe/statistics.hpp>
#include <parallelpipe/observe/verdict.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace parallelpipe::inline v0::detail {

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
/// Time on a core per time busy, below which a stage function waits by itself.
inline constexpr double waits_inside = 0.3;
/// And what part of its time busy that has to be, when it is known how long it waited for a core.
inline constexpr double waits_long = 0.25;

/// Reads who limits a run from who waits for whom.
///
/// A worker's time is busy, or waiting for input, or for room. In a run that one stage limits, that
/// stage is busy all the time; the stages before it wait for room, those behind it for input. So
/// the busiest is the bottleneck, when shares are taken of the whole run: a source that ended early
/// is not. By the wall clock alone, a stage that computes, one that sleeps and one that others keep
/// from the cores look the same; `cpu` and `ready` tell them apart.
///
/// Nor is all waiting what it seems. A worker that was woken, or that offered its core to others
/// before it sleeps, waits until it has a core again, whatever has come in the meantime. But a
/// queue cannot be full and empty: where one side waits for room and the other for input, and both
/// together for more than all of the time, one of them was kept from the cores for as much as it is
/// too much. That counts as busy.
///
/// The consumer stands after the last stage, as one more of one worker. After a sink there is none: the thread
/// that called execute() only waits for the workers, so it neither works nor wants a core.
template <class...>
class diagnosis {
public:
    explicit diagnosis(const Statistics& stats) : stats_(stats), consumer_(stats.stages.size()) {
        for (const StageStatistics& stage : stats.stages)
            parts_.push_back({load_of(stage, stats.elapsed), stage.workers});
        parts_.push_back({has_results(stats) ? load_of(stats.consumer, stats.elapsed) : load(), 1});
        if (const double turns = waiting_for_turn(); turns > 0) {
            load& first = parts_.front().time;
            first.busy = std::min(first.busy + turns, 1.0);
            first.waiting_for_input = 0;
        }
        for (std::size_t i = 0; i < consumer_; ++i) find_starved(i);
        is_contended_ = detail::any_of(parts_, [](const part& p) { return p.starved >= noticeable; });
        knows_ready_ = detail::any_of(parts_, [](const part& p) { return p.time.ready > 0; });
        for (part& p : parts_) {
            find_kept(p);
            wanted_ += (std::min(p.time.cpu + p.kept, 1.0)) * static_cast<double>(p.workers);
        }
        for (std::size_t i = 0; i < parts_.size(); ++i)
            if (active(i) > active(busiest_)) busiest_ = i;
        second_ = busiest_ == 0 ? 1 : 0;
        for (std::size_t i = 0; i < parts_.size(); ++i)
            if (i != busiest_ && active(i) > active(second_)) second_ = i;
        if (cpu_of(stats).count() == 0) wanted_ = 0;
        if (stats.cores != 0) machine_ = std::min(wanted_ / static_cast<double>(stats.cores), 1.0);
    }

    /// Kind and stage; no text.
    Verdict verdict() const {
        using enum Verdict::Kind;
        if (!has_begun() || !has_items()) return {.kind = too_early};
        if (!has_times()) return {.kind = not_measured};
        if (stats_.elapsed < shortest_run) return {.kind = too_early};

        const double busy = active(busiest_);
        if (nobody_takes_results()) return {.kind = consumer_bound, .stage = consumer_};
        if (busy >= mostly_busy && is_fine(busiest_, cost_of_hop) && !works_on_all_cores())
            return {.kind = too_fine, .stage = busiest_};
        if (busy < clearly_busy) {
            if (const std::size_t at = held_up_by_order(); at != consumer_)
                return {.kind = order_bound, .stage = at};
            if (const std::size_t at = one_busy_worker(); at != consumer_)
                return {.kind = one_worker, .stage = at};
        }
        if (is_machine_full() && !is_serial(busiest_) && !sleeps(busiest_))
            return {.kind = machine_full, .stage = most_expensive()};
        if (time(busiest_).busy < mostly_busy && is_fine(busiest_, cost_of_sleep))
            return {.kind = too_fine, .stage = busiest_};
        if (const std::size_t at = has_most_to_do(); busy < clearly_busy && is_hidden_limit(at))
            return bottleneck(at);
        if (busy < mostly_busy) return {.kind = uneven, .stage = waits_in_turn()};
        if (busy < 0.75 || active(second_) < busy - equally_busy) return bottleneck(busiest_);
        if (to_do(busiest_) > to_do(second_) + noticeable) return bottleneck(busiest_);
        if (to_do(second_) > to_do(busiest_) + noticeable) return bottleneck(second_);
        return {.kind = balanced, .stage = busiest_};
    }

    bool has_begun() const { return !stats_.stages.empty() && stats_.elapsed.count() > 0; }
    bool has_items() const {
        return stats_.consumer.items > 0 ||
               detail::any_of(stats_.stages, [](const StageStatistics& s) { return handled(s) > 0; });
    }

    /// By stage, the consumer at the end; waiting is what is left when `starved` is taken away.
    const load& time(std::size_t at) const { return parts_[at].time; }
    /// What part of the run it seemed to wait, but was kept from the cores.
    double starved(std::size_t at) const { return parts_[at].starved; }
    /// Busy, or kept from that.
    double active(std::size_t at) const {
        return std::min(parts_[at].time.busy + parts_[at].starved, 1.0);
    }
    /// What part of the run other threads had the cores that it could have used, as far as that is
    /// known.
    double kept_from_cores(std::size_t at) const { return parts_[at].kept; }
    /// Whether that is too much to be the time that waking up takes.
    bool is_kept_from_cores(std::size_t at) const {
        if (kept_from_cores(at) < noticeable) return false;
        if (time(at).ready > 0) return true;
        const auto items = at == consumer_ ? stats_.consumer.items : handled(stats_.stages[at]);
        return starved(at) * static_cast<double>(parts_[at].workers) * in_seconds(stats_.elapsed) >
               10 * cost_of_sleep * static_cast<double>(items);
    }
    /// What part of the time the workers of the first stage waited for one of themselves, who was in the
    /// range that they read in turn. To others that stage is at work meanwhile.
    double waiting_for_turn() const {
        if (stats_.stages.empty() || stats_.stages.front().items_in == 0) return 0;
        return load_of(stats_.stages.front(), stats_.elapsed).waiting_for_input;
    }
    std::size_t second() const { return second_; }
    /// What part of all cores the threads had or would have used; 0 is unknown.
    double machine() const { return machine_; }
    /// The same as a number of threads, which may be more than there are cores.
    double wanted() const { return wanted_; }

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
    /// is not known, a stage that others keep from the cores may look the same; less so if somebody
    /// was seen to be kept from them.
    bool sleeps(std::size_t at) const {
        const part& here = parts_[at];
        if (here.time.cpu <= 0) return false;
        if (!knows_ready_)
            return here.time.cpu + here.starved <
                   (is_contended_ ? waits_inside / 3 : waits_inside) * active(at);
        const double cpu = std::min(here.time.cpu, here.time.busy);
        const double asleep = here.time.busy - cpu - std::max(here.kept - here.starved, 0.0);
        return cpu < waits_inside * (cpu + asleep) && asleep >= waits_long * active(at);
    }

    std::size_t most_expensive() const {
        std::size_t most = 0;
        for (std::size_t i = 1; i < consumer_; ++i)
            if (stats_.stages[i].cpu > stats_.stages[most].cpu) most = i;
        return has_results(stats_) && stats_.consumer.cpu > stats_.stages[most].cpu ? consumer_ : most;
    }

private:
    /// The verdict when one limits the run.
    Verdict bottleneck(std::size_t at) const {
        using enum Verdict::Kind;
        if (at == consumer_) return {.kind = consumer_bound, .stage = at};
        if (at == 0 && (!is_all_there_is() || waiting_for_turn() >= noticeable))
            return {.kind = input_bound, .stage = at};
        return {.kind = sleeps(at) ? io_bound : cpu_bound, .stage = at};
    }

    /// One stage that reads a range itself and has no results.
    bool is_all_there_is() const { return consumer_ == 1 && !has_results(stats_); }

    struct part {
        load time;
        std::size_t workers;
        double starved = 0;
        double kept = 0;
    };

    /// Too much waiting at both sides of the queue behind `stage`.
    void find_starved(std::size_t stage) {
        const auto& queue = stats_.stages[stage].queue;
        if (!queue || queue->capacity < 2 || keeps_order(stage)) return;
        // There the queue is full of what one worker is to do, and its siblings have nothing.
        if (stage + 1 < consumer_ && stats_.stages[stage + 1].is_keyed) return;
        part& before = parts_[stage];
        part& behind = parts_[stage + 1];
        const double both = before.time.waiting_for_room + behind.time.waiting_for_input;
        if (both <= 1 || queue->mean_fill < 1) return;
        // Readers that come for more find it full or find hardly anything; and who was hardly ever
        // ready to run was not kept from it.
        const bool is_full =
            queue->mean_fill - 1 >= 0.25 * (static_cast<double>(queue->capacity) - 1);
        const auto can_be = [&](const part& p) {
            return p.time.ready <= 0 || p.time.ready >= (both - 1) / 2;  // 0 is unknown
        };
        const bool is_behind = can_be(before) == can_be(behind) ? is_full : can_be(behind);
        part& kept = is_behind ? behind : before;
        (is_behind ? kept.time.waiting_for_input : kept.time.waiting_for_room) -= both - 1;
        kept.starved += both - 1;
    }

    /// How much of being ready was so while it was busy. At least what cannot have been while it
    /// waited. Where that leaves a doubt, somebody who also had a core for some time is believed.
    void find_kept(part& p) const {
        // Some of it may be the time that waking up takes.
        const bool is_known = knows_ready_ && (p.time.ready > 0 || p.time.cpu > 0);
        const double starved = is_known ? std::min(p.starved, p.time.ready) : p.starved;
        const double ready = is_known ? p.time.ready - starved : 0;
        const double waiting = p.time.waiting_for_input + p.time.waiting_for_room;
        const double without_core = std::max(p.time.busy - p.time.cpu, 0.0);
        const double most = std::min(ready, without_core);
        const double least = std::min(std::max(ready - waiting, 0.0), most);
        p.kept = starved + std::max(least, std::min(most, 4 * p.time.cpu));
    }

    bool keeps_order(std::size_t stage) const {
        return stats_.stages[stage].is_ordered && stats_.stages[stage].workers > 1;
    }

    bool has_times() const {
        return detail::any_of(parts_, [](const part& p) {
            return p.time.busy > 0 || p.time.waiting_for_input > 0 || p.time.waiting_for_room > 0;
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
        if (works_on_all_cores()) return true;
        double busy = 0;
        for (std::size_t i = 0; i < parts_.size(); ++i)
            busy += (is_fine(busiest_, cost_of_sleep) ? time(i).busy : active(i)) *
                    static_cast<double>(parts_[i].workers);
        // Who takes the results, or reads the range, and has little else to do, but no core for it.
        const bool lacks_core = (busiest_ == 0 || busiest_ == consumer_) &&
                                starved(busiest_) >= mostly_busy && time(busiest_).busy < 0.25;
        return machine_ >= (lacks_core ? 0.75 : all_of_the_machine) && busy >= 0.7 * wanted_;
    }
    /// The same where no doubt is left: most of the time on a core is that of one stage, and an item costs
    /// it much more than to hand it on or to wake somebody up.
    bool works_on_all_cores() const {
        const std::size_t at = most_expensive();
        if (at == consumer_ || machine_ < all_of_the_machine) return false;
        return in_seconds(stats_.stages[at].cpu) >= 0.75 * in_seconds(cpu_of(stats_)) &&
               work_per_item(at) >= 2 * cost_of_sleep;
    }

    /// How busy it would be if it got a core at once.
    double to_do(std::size_t at) const { return active(at) - kept_from_cores(at); }
    std::size_t has_most_to_do() const {
        std::size_t most = 0;
        for (std::size_t i = 1; i < parts_.size(); ++i)
            if (to_do(i) > to_do(most)) most = i;
        return most;
    }

    /// Whether it limits the run although it was not busy for long: it had no core for most of the
    /// time, or those did not that it waited for.
    bool is_hidden_limit(std::size_t at) const {
        if (sleeps(at)) return false;
        const load& here = time(at);
        if (here.ready >= 0.75 && here.cpu < 0.25) return true;
        double others = 0;
        for (std::size_t i = 0; i < parts_.size(); ++i)
            if (i != at) others += starved(i);
        return others >= noticeable && active(at) + others >= 0.75;
    }

    /// What the next one waits for input.
    double next_waits(std::size_t stage) const { return time(stage + 1).waiting_for_input; }

    /// A stage waits for room and the next one for input: only in an ordered stage can both go on
    /// at the same time, when an earlier result is missing. `consumer_` is none.
    std::size_t held_up_by_order() const {
        std::size_t found = consumer_;
        double most = 0.3;
        for (std::size_t i = 0; i < consumer_; ++i) {
            if (!keeps_order(i)) continue;
            const double held = std::min(time(i).waiting_for_room, next_waits(i));
            if (held >= most) most = held, found = i;
        }
        return found;
    }

    /// A stage of which one worker is busier than any stage as a whole, and the others are idle.
    /// `consumer_` is none.
    std::size_t one_busy_worker() const {
        std::size_t found = consumer_;
        double most = std::max(active(busiest_) + 0.1, 0.6);
        for (std::size_t i = 0; i < consumer_; ++i) {
            const auto& each = stats_.stages[i].each;
            if (each.size() < 2) continue;
            const auto& top = each[busiest_worker(stats_.stages[i])];
            const double rest =
                share_of(stats_.stages[i].busy - top.busy, stats_.elapsed, each.size() - 1);
            const double busy = share_of(top.busy, stats_.elapsed);
            // As for stages: the queue before it is full of what it is to do.
            const double both = share_of(top.waiting_for_input, stats_.elapsed) +
                                (i == 0 ? 0 : time(i - 1).waiting_for_room);
            const double share = std::min(busy + std::max(both - 1, 0.0), 1.0);
            if (share >= most && rest <= busy / 2) most = share, found = i;
        }
        return found;
    }

    /// Whether the consumer or the source limits the run whatever the machine: alone, with a core
    /// for itself, while the one beside it waits.
    bool is_serial(std::size_t at) const {
        const load& here = time(at);
        if (here.busy < clearly_busy || (here.cpu > 0 && here.cpu < 0.8 * here.busy)) return false;
        if (at == consumer_) return time(at - 1).waiting_for_room >= noticeable;
        return at == 0 && stats_.stages[0].workers == 1 && next_waits(0) >= noticeable;
    }

    /// The results are there, but the loop that takes them is elsewhere.
    bool nobody_takes_results() const {
        return has_results(stats_) && active(busiest_) < mostly_busy &&
               time(consumer_ - 1).waiting_for_room >= mostly_busy &&
               time(consumer_).waiting_for_input + starved(consumer_) < noticeable;
    }

    /// The stage behind which both sides wait most; `no_stage` if there is none.
    std::size_t waits_in_turn() const {
        std::size_t found = Verdict::no_stage;
        double most = 0.1;
        for (std::size_t i = 0; i < consumer_; ++i) {
            const double both = std::min(time(i).waiting_for_room, next_waits(i));
            if (both > most) most = both, found = i;
        }
        return found;
    }

    const Statistics& stats_;
    const std::size_t consumer_;
    std::vector<part> parts_;  // by stage, the consumer at the end
    std::size_t busiest_ = 0;
    std::size_t second_ = 0;
    double wanted_ = 0;
    double machine_ = 0;
    bool knows_ready_ = false;
    bool is_contended_ = false;  // somebody was kept from the cores
};

}  // namespace parallelpipe::detail

#endif

// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_DIAGNOSIS_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_DIAGNOSIS_HPP

#include <parallelpipe/detail/observe/borders.hpp>
#include <parallelpipe/detail/observe/load.hpp>
#include <parallelpipe/detail/observe/readable.hpp>
#include <parallelpipe/observe/verdict.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// Finds what limits a run, from the waits of its workers.
///
/// A worker is busy, waits for input, or waits for room. If one stage limits the run, that stage is busy all the
/// time, the stages before it wait for room and the stages after it for input. So the busiest stage is the
/// bottleneck. Shares are taken of the whole run, so that a source that ended early does not look busy. By the wall
/// clock alone, three stages look the same: one that computes, one that sleeps, and one that has no core. `cpu` and
/// `ready` tell them apart.
///
/// Some waits hide a lack of cores. A worker that was woken, or that yielded its core before it slept, waits until
/// it has a core again, even if an item has come in the meantime. A queue cannot be full and empty at once: if one
/// side waits for room and the other for input for more than the whole run together, one of them had no core for
/// the excess. The excess counts as busy (`starved`).
///
/// The consumer counts as one more stage with one worker, after the last stage. A pipeline that ends in a sink has
/// no consumer: the thread that called execute() only waits for the workers.
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

    /// The kind and the stage; the text stays empty.
    Verdict verdict() const {
        using enum Verdict::Kind;
        if (!has_begun() || !has_items() || !has_times()) return {.kind = too_early};
        if (stats_.elapsed < shortest_run) return {.kind = too_early};

        const double busy = active(busiest_);
        if (results_are_not_taken()) return {.kind = consumer_bound, .stage = consumer_};
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

    bool has_times() const {
        return detail::any_of(parts_, [](const part& p) {
            return p.time.busy > 0 || p.time.waiting_for_input > 0 || p.time.waiting_for_room > 0;
        });
    }

    /// The shares of a stage, or of the consumer at the end; its waits exclude `starved`.
    const load& time(std::size_t at) const { return parts_[at].time; }
    /// The share of the run in which it seemed to wait for an item or room, but had no core.
    double starved(std::size_t at) const { return parts_[at].starved; }
    /// Busy or starved.
    double active(std::size_t at) const {
        return std::min(parts_[at].time.busy + parts_[at].starved, 1.0);
    }
    /// The share of the run in which other threads had the cores that it needed, as far as that is known.
    double kept_from_cores(std::size_t at) const { return parts_[at].kept; }
    /// Whether that share is more than the wake-ups take.
    bool is_kept_from_cores(std::size_t at) const {
        if (kept_from_cores(at) < noticeable) return false;
        if (time(at).ready > 0) return true;
        const auto items = at == consumer_ ? stats_.consumer.items : handled(stats_.stages[at]);
        return starved(at) * static_cast<double>(parts_[at].workers) * in_seconds(stats_.elapsed) >
               10 * cost_of_sleep * static_cast<double>(items);
    }
    /// The share of time in which workers of the first stage waited for their turn to read the shared range. Seen
    /// from the other stages, the first stage works meanwhile.
    double waiting_for_turn() const {
        if (stats_.stages.empty() || stats_.stages.front().items_in == 0) return 0;
        return load_of(stats_.stages.front(), stats_.elapsed).waiting_for_input;
    }
    std::size_t second() const { return second_; }
    /// The share of all cores that the threads used or would have used; 0 is unknown.
    double machine() const { return machine_; }
    /// The same as a number of threads, which may exceed the number of cores.
    double wanted() const { return wanted_; }

    /// The busy time per item in seconds, or the processor time per item where that is known.
    double work_per_item(std::size_t at) const {
        const bool is_consumer = at == consumer_;
        const auto items = is_consumer ? stats_.consumer.items : handled(stats_.stages[at]);
        const auto busy = is_consumer ? stats_.consumer.busy : stats_.stages[at].busy;
        const auto cpu = is_consumer ? stats_.consumer.cpu : stats_.stages[at].cpu;
        if (items == 0) return 0;
        const auto work = cpu.count() > 0 && !sleeps(at) ? std::min(busy, cpu) : busy;
        return in_seconds(work) / static_cast<double>(items);
    }

    /// Whether most of its busy time is spent neither on a core nor waiting for one. Without `ready`, a stage that
    /// lacks a core may look the same; the border is lower if any stage was seen to lack a core.
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
    /// The verdict if the stage `at`, or the consumer, limits the run.
    Verdict bottleneck(std::size_t at) const {
        using enum Verdict::Kind;
        if (at == consumer_) return {.kind = consumer_bound, .stage = at};
        if (at == 0 && (!is_all_there_is() || waiting_for_turn() >= noticeable))
            return {.kind = input_bound, .stage = at};
        return {.kind = sleeps(at) ? io_bound : cpu_bound, .stage = at};
    }

    /// Whether the pipeline is one stage that reads a range itself and has no results.
    bool is_all_there_is() const { return consumer_ == 1 && !has_results(stats_); }

    struct part {
        load time;
        std::size_t workers;
        double starved = 0;
        double kept = 0;
    };

    /// Counts excess waiting on both sides of the queue after `stage` as starved.
    void find_starved(std::size_t stage) {
        const auto& queue = stats_.stages[stage].queue;
        if (!queue || queue->capacity < 2 || keeps_order(stage)) return;
        // A keyed queue can be full of items for one worker while its siblings have none.
        if (stage + 1 < consumer_ && stats_.stages[stage + 1].is_keyed) return;
        part& before = parts_[stage];
        part& after = parts_[stage + 1];
        const double both = before.time.waiting_for_room + after.time.waiting_for_input;
        if (both <= 1 || queue->mean_fill < 1) return;
        // The mean fill shows which side was late. A thread that was hardly ever ready to run did not lack a core.
        const bool is_full =
            queue->mean_fill - 1 >= 0.25 * (static_cast<double>(queue->capacity) - 1);
        const auto can_be = [&](const part& p) {
            return p.time.ready <= 0 || p.time.ready >= (both - 1) / 2;  // 0 is unknown
        };
        const bool is_after = can_be(before) == can_be(after) ? is_full : can_be(after);
        part& kept = is_after ? after : before;
        (is_after ? kept.time.waiting_for_input : kept.time.waiting_for_room) -= both - 1;
        kept.starved += both - 1;
    }

    /// Estimates how much of the time ready to run fell into the busy time: at least what exceeds its waits. In
    /// doubt, a thread that also had a core for some time is taken to have been busy.
    void find_kept(part& p) const {
        // A part of it may be the time that wake-ups take.
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

    bool is_fine(std::size_t at, double border) const {
        const auto items = at == consumer_ ? stats_.consumer.items : handled(stats_.stages[at]);
        // If items come rarely, the cost of handing them over does not matter.
        return items >= many_items && work_per_item(at) < border &&
               in_seconds(stats_.elapsed) / static_cast<double>(items) < 20 * cost_of_sleep;
    }

    /// Whether all cores work, and not only at waking each other up.
    bool is_machine_full() const {
        if (works_on_all_cores()) return true;
        double busy = 0;
        for (std::size_t i = 0; i < parts_.size(); ++i)
            busy += (is_fine(busiest_, cost_of_sleep) ? time(i).busy : active(i)) *
                    static_cast<double>(parts_[i].workers);
        // The consumer or the reader of the range, with little work and no core to do it.
        const bool lacks_core = (busiest_ == 0 || busiest_ == consumer_) &&
                                starved(busiest_) >= mostly_busy && time(busiest_).busy < 0.25;
        return machine_ >= (lacks_core ? 0.75 : all_of_the_machine) && busy >= 0.7 * wanted_;
    }
    /// Whether that is certain: most of the processor time belongs to one stage, and an item costs that stage much
    /// more than handing it over or waking a thread.
    bool works_on_all_cores() const {
        const std::size_t at = most_expensive();
        if (at == consumer_ || machine_ < all_of_the_machine) return false;
        return in_seconds(stats_.stages[at].cpu) >= 0.75 * in_seconds(cpu_of(stats_)) &&
               work_per_item(at) >= 2 * cost_of_sleep;
    }

    /// How busy it would be with a core always at hand.
    double to_do(std::size_t at) const { return active(at) - kept_from_cores(at); }
    std::size_t has_most_to_do() const {
        std::size_t most = 0;
        for (std::size_t i = 1; i < parts_.size(); ++i)
            if (to_do(i) > to_do(most)) most = i;
        return most;
    }

    /// Whether it limits the run without being busy for long: it lacked a core for most of the time, or the stages
    /// that it waited for did.
    bool is_hidden_limit(std::size_t at) const {
        if (sleeps(at)) return false;
        const load& here = time(at);
        if (here.ready >= 0.75 && here.cpu < 0.25) return true;
        double others = 0;
        for (std::size_t i = 0; i < parts_.size(); ++i)
            if (i != at) others += starved(i);
        return others >= noticeable && active(at) + others >= 0.75;
    }

    /// The share in which the next stage waits for input.
    double next_waits(std::size_t stage) const { return time(stage + 1).waiting_for_input; }

    /// The ordered stage whose workers wait for room while the next stage waits for input: an earlier result is
    /// missing. `consumer_` means none.
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

    /// The stage with one worker that is busier than any stage as a whole while its siblings are idle. `consumer_`
    /// means none.
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
            // As for stages: the queue before it is full of items for this worker.
            const double both = share_of(top.waiting_for_input, stats_.elapsed) +
                                (i == 0 ? 0 : time(i - 1).waiting_for_room);
            const double share = std::min(busy + std::max(both - 1, 0.0), 1.0);
            if (share >= most && rest <= busy / 2) most = share, found = i;
        }
        return found;
    }

    /// Whether the consumer or the source limits the run on any machine: one thread, always on a core, while its
    /// neighbour waits.
    bool is_serial(std::size_t at) const {
        const load& here = time(at);
        if (here.busy < clearly_busy || (here.cpu > 0 && here.cpu < 0.8 * here.busy)) return false;
        if (at == consumer_) return time(at - 1).waiting_for_room >= noticeable;
        return at == 0 && stats_.stages[0].workers == 1 && next_waits(0) >= noticeable;
    }

    /// Whether results are ready, but the consumer does not ask for them.
    bool results_are_not_taken() const {
        return has_results(stats_) && active(busiest_) < mostly_busy &&
               time(consumer_ - 1).waiting_for_room >= mostly_busy &&
               time(consumer_).waiting_for_input + starved(consumer_) < noticeable;
    }

    /// The stage at whose queue both sides wait most; `no_stage` if there is none.
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
    bool is_contended_ = false;  // a thread was seen to lack a core
};

}  // namespace parallelpipe::detail

#endif

// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_EXPLANATION_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_EXPLANATION_HPP

#include <parallelpipe/detail/observe/diagnosis.hpp>
#include <parallelpipe/detail/observe/escape.hpp>
#include <parallelpipe/detail/observe/load.hpp>
#include <parallelpipe/detail/observe/readable.hpp>
#include <parallelpipe/observe/verdict.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>

namespace parallelpipe::inline v0::detail {

/// The sentences of a verdict: what limits the run, then what to change.
template <class...>
class explanation {
public:
    explanation(const Statistics& stats, const diagnosis<>& found)
        : stats_(stats), found_(found), consumer_(stats.stages.size()) {}

    std::string text(const Verdict& verdict) const {
        const std::size_t at = verdict.stage;
        switch (verdict.kind) {
            case Verdict::Kind::too_early:
                return too_early();
            case Verdict::Kind::cpu_bound:
                return name(at) + " is the bottleneck: " + workers_busy(at) + others_wait(at) +
                       "; " + more_workers(at) + '.';
            case Verdict::Kind::io_bound:
                return name(at) + " is the bottleneck: " + workers_busy(at) + others_wait(at) +
                       ". It spends only " + of_busy(at) + sleeping;
            case Verdict::Kind::input_bound:
                return input_bound();
            case Verdict::Kind::consumer_bound:
                return consumer_bound();
            case Verdict::Kind::one_worker:
                return one_worker(at);
            case Verdict::Kind::order_bound:
                return order_bound(at);
            case Verdict::Kind::too_fine:
                return too_fine(at);
            case Verdict::Kind::machine_full:
                return machine_full(at);
            case Verdict::Kind::balanced:
                return balanced(at);
            case Verdict::Kind::uneven:
                return uneven(at);
        }
        return {};
    }

private:
    static constexpr const char* sleeping =
        " of that time on a core and the rest waiting (for a file, a lock, a sleep); give it more workers, "
        "even if all cores are in use.";

    const StageStatistics& stage(std::size_t at) const { return stats_.stages[at]; }
    const load& of(std::size_t at) const { return found_.time(at); }

    std::string plain_name(std::size_t at) const {
        if (at != consumer_) return printable(stage(at).name);
        const std::string& by = stats_.consumer.taken_by;
        return by.empty() ? "the loop that takes the results" : printable(by);
    }
    std::string name(std::size_t at) const {
        return at == consumer_ ? plain_name(at) : "stage " + plain_name(at);
    }

    std::string workers_busy(std::size_t at) const {
        const std::size_t workers = stage(at).workers;
        return (workers == 1 ? "its worker is" : "its " + counted(workers, "worker") + " are") +
               " busy " + of_the_time(at);
    }
    std::string of_the_time(std::size_t at) const {
        const double starved = found_.starved(at);
        return percent(of(at).busy) + " of the time" +
               (starved < 0.05 ? "" : " and without a core for " + percent(starved));
    }
    std::string of_busy(std::size_t at) const { return percent(of(at).cpu / of(at).busy); }

    /// ` while fetch waits 71 % for room`. A stage that waits for room shows more than one that waits for input.
    std::string others_wait(std::size_t at) const {
        const double before = at > 0 ? of(at - 1).waiting_for_room : 0;
        const double after = at < consumer_ ? of(at + 1).waiting_for_input : 0;
        if (std::max(before, after) < 0.1) return "";
        if (before >= after || before >= 0.3)
            return " while " + plain_name(at - 1) + " waits " + percent(before) + " for room";
        return " while " + plain_name(at + 1) + " waits " + percent(after) + " for input";
    }

    std::string others_have_cores(std::size_t at) const {
        return "or " + percent(found_.kept_from_cores(at)) +
               " of the time other threads have the cores that it could use";
    }
    /// A further sentence, or nothing.
    std::string if_others_have_cores(std::size_t at) const {
        return found_.is_kept_from_cores(at) ? " F" + others_have_cores(at) + '.' : "";
    }

    std::string more_workers(std::size_t at) const {
        // Other programs use the cores, so more workers would not help.
        if (found_.is_kept_from_cores(at))
            return 'f' + others_have_cores(at) +
                   ": leave it more of the machine, or make it faster";
        if (found_.machine() <= 0 || stats_.cores == 0)
            return "give it more workers, if the machine has free cores, or make it faster";
        const double cores = static_cast<double>(stats_.cores);
        const double free = cores * (1 - found_.machine());
        if (free < 0.3) return "make it faster: hardly any core is free for more workers";
        return "give it more workers (not all cores are used: " + fixed(free, 1) + " of " +
               std::to_string(stats_.cores) + (free < 0.95 ? " is" : " are") +
               " free) or make it faster";
    }

    std::string too_early() const {
        if (stats_.stages.empty())
            return "There is nothing to explain: the pipeline has no stages.";
        if (!found_.has_begun()) return "The run has not begun.";
        if (found_.has_items() && !found_.has_times())
            return "No times were measured: an inline run has no workers that wait for each other. Run it with "
                   "threads to see what limits it.";
        const std::string time = readable(stats_.elapsed);
        if (found_.has_items())
            return (stats_.has_ended ? "The run was over in " + time
                                     : "The run began " + time + " ago") +
                   ": too short to say what limits it; most of that is the start of the threads.";
        if (stats_.has_ended) return "The run ended after " + time + " without an item.";
        return "Nothing has come out of " + name(0) + " yet, after " + time + '.';
    }

    std::string input_bound() const {
        const StageStatistics& source = stage(0);
        std::string text = source.is_range ? "The range on the left limits the run: it is read "
                                           : "The source " + plain_name(0) + " limits the run: ";
        text += source.is_range ? of_the_time(0) : workers_busy(0);
        text += others_wait(0);
        if (source.is_range)
            return text +
                   "; one worker reads it: make its elements cheaper, or make them in a "
                   "stage after it, which can have several workers." +
                   if_others_have_cores(0);
        if (found_.waiting_for_turn() >= detail::noticeable)
            return text + ", " + percent(found_.waiting_for_turn()) +
                   " of the time until it is their turn at the range, which one of them reads at a time; make "
                   "its elements cheaper, or make them in a stage after it." +
                   if_others_have_cores(0);
        const bool is_fused = source.items_in > 0;  // the stage reads its range and works on the items
        if (found_.sleeps(0))
            return text + ". It spends only " + of_busy(0) +
                   (is_fused ? std::string(sleeping)
                             : " of that time on a core and the rest waiting for its own input; make that input faster, or "
                               "let several workers share the source's work.");
        if (is_fused) return text + "; " + more_workers(0) + '.';
        return text +
               "; make it faster, let several workers share its work, or move work from it "
               "into a stage after it." +
               if_others_have_cores(0);
    }

    std::string consumer_bound() const {
        if (found_.active(consumer_) < mostly_busy)
            return "The results are not taken: " + name(consumer_ - 1) + " waits " +
                   percent(of(consumer_ - 1).waiting_for_room) +
                   " of the time for room, and the next result is not asked for.";
        const std::string& by = stats_.consumer.taken_by;
        const bool has_code = by.empty() || by == "for_each()";
        const std::string text =
            (by.empty()  ? "The loop that takes the results limits the run: its body is busy "
             : has_code ? "The function of for_each() limits the run: it is busy "
                        : "Handing the results over limits the run: " + printable(by) + " is busy with it ") +
            of_the_time(consumer_) + others_wait(consumer_);
        if (found_.starved(consumer_) > of(consumer_).busy)
            return text + "; leave it more of the machine.";
        return text +
               (has_code ? "; move work from it into a stage, which can have several workers, or make it faster."
                         : "; make the results cheaper to move, or let fewer of them leave the last stage.") +
               if_others_have_cores(consumer_);
    }

    std::string one_worker(std::size_t at) const {
        const auto& each = stage(at).each;
        const std::size_t top = busiest_worker(stage(at));
        const double rest = share_of(stage(at).busy - each[top].busy, stats_.elapsed, each.size() - 1);
        return "The worker " + plain_name(at) + '-' + std::to_string(top) +
               " limits the run: it is busy " + percent(share_of(each[top].busy, stats_.elapsed)) +
               " of the time, its " + (each.size() == 2 ? "sibling " : "siblings ") +
               percent(rest) +
               (stage(at).is_keyed
                    ? ". A few keys have most of the items; choose a finer key, or do less for "
                      "each item in this stage."
                    : ". It has got most of the work: a few items take much longer than the "
                      "others, or they came last; split them, or send them first.");
    }

    std::string order_bound(std::size_t at) const {
        std::string text =
            name(at) + " keeps the order: its workers wait " + percent(of(at).waiting_for_room) +
            " of the time for the results of an earlier item, while " + plain_name(at + 1) +
            " waits " + percent(of(at + 1).waiting_for_input) + " for input. ";
        const auto& queue = stage(at).queue;
        if (queue && queue->capacity > 0)
            return text + "Give the results more room (its qsize is " + grouped(queue->capacity) +
                   "), or leave the order out.";
        return text + "Split the items that take long, or leave the order out.";
    }

    std::string too_fine(std::size_t at) const {
        const std::string work = readable(std::chrono::nanoseconds(
            static_cast<std::chrono::nanoseconds::rep>(found_.work_per_item(at) * 1e9 + 0.5)));
        if (at != consumer_ && of(at).busy < mostly_busy)
            return "The work is too small to be handed from thread to thread: " + name(at) +
                   " is the busiest with " + percent(of(at).busy) + " of the time, at " + work +
                   " per item, and most of the rest is falling asleep and waking up; put "
                   "neighbouring stages into one with fuse, make the items bigger with batch, or "
                   "raise qsize.";
        return "The work is too small to be handed from thread to thread: " + name(at) +
               ", the busiest, spends " + work +
               " per item, about what handing it on costs; put neighbouring stages into one with "
               "fuse, or make the items bigger with batch.";
    }

    std::string machine_full(std::size_t at) const {
        const double part = in_seconds(at == consumer_ ? stats_.consumer.cpu : stage(at).cpu) /
                            in_seconds(cpu_of(stats_));
        const double seconds = in_seconds(stats_.elapsed);
        const double used = in_seconds(cpu_of(stats_)) / seconds;
        const double cores = static_cast<double>(stats_.cores);
        const std::string all =
            stats_.cores == 1 ? "its core is" : "its " + counted(stats_.cores, "core") + " are";
        return "The machine is full: " + all +
               (used >= all_of_the_machine * cores
                    ? " busy " + percent(used / cores) + " of the time"
                    : " wanted by " + fixed(found_.wanted(), 1) +
                          " threads at a time, and this run has got " + fixed(used, 1) +
                          " of them") +
               "; more workers would not help. Make " + name(at) + " cheaper, which has " +
               percent(part) + " of the processor time.";
    }

    std::string balanced(std::size_t at) const {
        const std::size_t first = std::min(at, found_.second());
        const std::size_t second = std::max(at, found_.second());
        return name(first) + " and " + name(second) + " are equally busy (" +
               percent(of(first).busy) + " and " + percent(of(second).busy) +
               " of the time): the run is balanced. To go faster, both need more workers, or less "
               "work for each item.";
    }

    std::string uneven(std::size_t at) const {
        std::size_t busiest = 0;
        for (std::size_t i = 1; i <= consumer_; ++i)
            if (of(i).busy > of(busiest).busy) busiest = i;
        const std::string text = "No stage limits the run all the time: " + name(busiest) +
                                 " is the busiest with " + percent(of(busiest).busy) +
                                 " of the time";
        if (at == Verdict::no_stage)
            return text +
                   ". What takes long happens rarely, or the stages work one after the other.";
        return text + ", and after " + name(at) +
               " both sides wait in turn: results come in bursts. A larger qsize of " +
               plain_name(at) + " evens them out.";
    }

    const Statistics& stats_;
    const diagnosis<>& found_;
    const std::size_t consumer_;
};

}  // namespace parallelpipe::detail

#endif

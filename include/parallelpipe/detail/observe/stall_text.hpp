// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_OBSERVE_STALL_TEXT_HPP
#define PARALLELPIPE_DETAIL_OBSERVE_STALL_TEXT_HPP

#include <parallelpipe/detail/observe/escape.hpp>
#include <parallelpipe/detail/observe/load.hpp>
#include <parallelpipe/detail/observe/readable.hpp>
#include <parallelpipe/statistics.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// The text of stall_report(): the worker that all others wait for, then each worker, then the queues.
template <class...>
class stall_text {
public:
    stall_text(const Statistics& stats, std::chrono::nanoseconds still)
        : stats_(stats), still_(still) {
        for (std::size_t i = 0; i < stats_.stages.size(); ++i)
            for (std::size_t k = 0; k < stats_.stages[i].each.size(); ++k) {
                const WorkerStatistics& worker = stats_.stages[i].each[k];
                lines_.push_back({printable(stats_.stages[i].name) + '-' + std::to_string(k),
                                  worker.activity, doing(i, worker), stats_.stages[i].is_range});
            }
        if (has_results(stats_))
            consumer_ = {"(results)", stats_.consumer.activity, consumer_doing()};
    }

    std::string text() const {
        std::string text = "Nothing has moved for " + readable(still_) + ". " + verdict() + "\n\n";
        std::size_t width = 0;
        const auto for_each_line = [&](auto f) {
            for (const line& of : lines_) f(of);
            if (consumer_) f(*consumer_);
        };
        for_each_line([&](const line& of) { width = std::max(width, columns(of.name)); });
        for_each_line([&](const line& of) {
            text += of.name + std::string(width - columns(of.name) + 2, ' ') + of.doing + '\n';
        });
        std::string queues;
        for (const StageStatistics& stage : stats_.stages)
            if (stage.queue)
                queues +=
                    (queues.empty() ? "" : ", ") + printable(stage.name) + ' ' + fill(*stage.queue);
        return queues.empty() ? text : text + "queues: " + queues + '\n';
    }

private:
    struct line {
        std::string name;
        Activity activity;
        std::string doing;
        bool is_range = false;
    };

    std::string since(std::chrono::nanoseconds begin) const {
        return readable(std::max(stats_.elapsed - begin, std::chrono::nanoseconds(0)));
    }

    static std::string fill(const QueueStatistics& queue) {
        return grouped(queue.fill) + (queue.capacity ? " of " + grouped(queue.capacity) : "");
    }

    /// The fill as a producer without room sees it: items that readers have prefetched hold slots too.
    static std::string room(const QueueStatistics& queue) {
        return fill(queue) + (queue.fill < queue.capacity ? " wait there" : "");
    }

    /// ` (empty)`: the queue after a stage, as its reader sees it.
    static std::string input(const StageStatistics& before) {
        if (!before.queue) return "";
        return before.queue->fill == 0 ? " (empty)"
                                       : " (" + grouped(before.queue->fill) + " wait there)";
    }

    std::string doing(std::size_t at, const WorkerStatistics& worker) const {
        const StageStatistics& stage = stats_.stages[at];
        switch (worker.activity) {
            case Activity::not_started:
                return "has not begun";
            case Activity::busy:
                return stage.is_range ? "is in the range that it reads"
                                      : "is in its stage function";
            case Activity::waiting_for_input: {
                const std::string text = "has waited " + since(worker.waiting_since);
                // The first stage waits for input only where its workers share a range.
                if (at == 0) return text + " for its turn at the range";
                const StageStatistics& before = stats_.stages[at - 1];
                return text + (stage.is_keyed ? " for an item of its keys" : " for input") +
                       " from the queue after " + printable(before.name) + input(before);
            }
            case Activity::waiting_for_room: {
                const std::string text = "has waited " + since(worker.waiting_since) +
                                         " for room after " + printable(stage.name) +
                                         (stage.queue ? " (" + room(*stage.queue) + ")" : "");
                return stage.is_ordered && stage.workers > 1
                           ? text + ", or for the results before its own"
                           : text;
            }
            case Activity::ended:
                return "has ended";
        }
        return "";
    }

    /// `the loop that takes them`, or `execute()`.
    std::string taker(const std::string& what) const {
        const std::string& by = stats_.consumer.taken_by;
        return by.empty() ? "the loop that takes " + what : printable(by);
    }

    std::string consumer_doing() const {
        const ConsumerStatistics& consumer = stats_.consumer;
        const StageStatistics& last = stats_.stages.back();
        switch (consumer.activity) {
            case Activity::busy:
                return consumer.items == 0 ? "have not been asked for"
                                           : taker("them") + " is busy with one";
            case Activity::ended:
            case Activity::not_started:
                return "are not taken any more";
            default:
                return taker("them") + " has waited " + since(consumer.waiting_since) +
                       " for input from the queue after " + printable(last.name) + input(last);
        }
    }

    std::size_t count(Activity what) const {
        const auto is_such = [what](const line& one) { return one.activity == what; };
        return static_cast<std::size_t>(std::count_if(lines_.begin(), lines_.end(), is_such)) +
               (consumer_ && consumer_->activity == what);
    }

    std::string verdict() const {
        std::vector<std::string> names;
        bool is_range = false;
        for (const line& of : lines_)
            if (of.activity == Activity::busy) {
                names.push_back(of.name);
                is_range = of.is_range;
            }
        const bool consumer = has_results(stats_) && stats_.consumer.activity == Activity::busy;
        if (names.empty() && !consumer) return no_worker_is_busy();

        const bool one = names.size() + consumer == 1;
        std::string others = ".";
        if (count(Activity::waiting_for_input) + count(Activity::waiting_for_room) != 0)
            others = std::string("; everything else waits for ") + (one ? "it." : "them.");
        if (names.empty())
            return (stats_.consumer.items == 0
                        ? "No result has been asked for: the loop that takes them has not begun"
                        : capitalized(taker("the results")) +
                              " has not asked for the next one all the time") +
                   others;
        if (consumer) names.push_back(taker("the results"));
        return list(names) +
               (!one       ? " have been busy all the time"
                : is_range ? " has been in the range that it reads all the time"
                           : " has been in its stage function all the time") +
               others;
    }

    std::string no_worker_is_busy() const {
        if (const std::size_t late = count(Activity::not_started))
            return "No worker is busy, and " + counted(late, "thread") +
                   (late == 1 ? " has" : " have") + " not begun yet: the machine has not let " +
                   (late == 1 ? "it" : "them") + " run.";
        if (count(Activity::ended) >= lines_.size())
            return "All workers have ended, and nothing is left to be done.";
        return "No worker is in a stage function: each waits for another one. That cannot "
               "last; if it does, the mistake is the library's.";
    }

    /// `a, b and c`; of many the first ones.
    static std::string list(const std::vector<std::string>& names) {
        constexpr std::size_t most = 4;
        const std::size_t shown = names.size() <= most ? names.size() : most - 1;
        std::string text;
        for (std::size_t i = 0; i < shown; ++i) {
            if (i != 0) text += i + 1 == names.size() ? " and " : ", ";
            text += names[i];
        }
        if (shown < names.size()) text += " and " + grouped(names.size() - shown) + " more";
        return text;
    }

    const Statistics& stats_;
    const std::chrono::nanoseconds still_;
    std::vector<line> lines_;  // the workers
    std::optional<line> consumer_;
};

}  // namespace parallelpipe::detail

#endif

// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_KEYED_KEYED_ITEMS_HPP
#define PARALLELPIPE_DETAIL_KEYED_KEYED_ITEMS_HPP

#include <algorithm>
#include <cstdint>
#include <deque>
#include <exception>
#include <list>
#include <utility>

namespace parallelpipe::inline v0::detail {

/// Items that wait for one worker, by their numbers in the stage's input; a failure in the place of an item that could
/// not come.
/// Threads: one at a time.
template <class In>
class keyed_items {
public:
    bool is_empty() const noexcept { return failures_.empty() && first_queue() == queues_.end(); }

    /// The lowest number. Not if it is empty.
    std::uint64_t first_number() const noexcept {
        const auto queue = first_queue();
        if (queue == queues_.end()) return failures_.front().number;
        const std::uint64_t number = queue->front().number;
        return failures_.empty() ? number : std::min(number, failures_.front().number);
    }

    bool has(std::uint64_t number) const {
        const auto is_it = [number](const auto& each) { return each.number == number; };
        return std::any_of(failures_.begin(), failures_.end(), is_it) ||
               std::any_of(queues_.begin(), queues_.end(), [&](const auto& queue) {
                   return std::any_of(queue.begin(), queue.end(), is_it);
               });
    }

    /// `number` is higher than all before.
    /// Errors: `std::bad_alloc`, what the move throws; then all is as it was.
    void push(std::uint64_t number, In&& item) {
        if (queues_.empty()) queues_.emplace_back();
        queues_.back().emplace_back(number, std::move(item));  // the item is moved when there is a place for it
    }
    void push_failure(std::uint64_t number, std::exception_ptr error) {
        failures_.push_back({number, std::move(error)});
    }

    /// Whether the lowest number is that of a failure.
    bool fails_first() const noexcept {
        return !failures_.empty() && failures_.front().number == first_number();
    }
    /// Takes the failure that fails_first() is true for.
    std::exception_ptr take_failure() {
        std::exception_ptr error = std::move(failures_.front().error);
        failures_.pop_front();
        return error;
    }

    /// The lowest number is that of an item: calls `receive(number, In&&)`. The item is gone then.
    /// Errors: what `receive` throws.
    template <class Receive>
    void take_item(Receive receive) {
        const auto queue = first_queue(*this);
        struct leaving {
            keyed_items& from;
            typename queues::iterator queue;
            ~leaving() {
                queue->pop_front();
                if (queue->empty() && from.queues_.size() > 1) from.queues_.erase(queue);
            }
        } const at_the_end{*this, queue};
        receive(queue->front().number, std::move(queue->front().item));
    }

    /// Takes over all that `more` has. No item is moved, so nothing is thrown.
    void absorb(keyed_items& more) noexcept {
        queues_.splice(queues_.begin(), more.queues_);
        failures_.merge(more.failures_,
                        [](const failure& a, const failure& b) { return a.number < b.number; });
    }

private:
    struct entry {
        entry(std::uint64_t n, In&& i) : number(n), item(std::move(i)) {}
        std::uint64_t number;
        In item;
    };
    struct failure {
        std::uint64_t number;
        std::exception_ptr error;
    };
    using queues = std::list<std::deque<entry>>;

    auto first_queue() const noexcept { return first_queue(*this); }

    template <class Self>
    static auto first_queue(Self& self) noexcept {
        auto first = self.queues_.end();
        if (self.queues_.size() == 1) [[likely]]
            return self.queues_.front().empty() ? first : self.queues_.begin();
        for (auto each = self.queues_.begin(); each != self.queues_.end(); ++each)
            if (!each->empty() &&
                (first == self.queues_.end() || each->front().number < first->front().number))
                first = each;
        return first;
    }

    queues queues_;  // each in order: its own, and those that other workers have left to it
    std::list<failure> failures_;
};

}  // namespace parallelpipe::detail

#endif

#ifndef PARALLELPIPE_DETAIL_KEYED_FEED_HPP
#define PARALLELPIPE_DETAIL_KEYED_FEED_HPP

// Items that belong to a worker by their key.
//
// The stage has one reader of its channel. A worker with nothing to do leads: it reads for all, puts
// each item into the box of the worker that its key belongs to, and goes on until there is one of its
// own. One leads at a time; the others sleep. An item in a box still waits, so it keeps its slot in the
// channel until it comes into its worker's hands: boxes and channel together obey qsize.
//
// The keys of a worker that has left belong to the next one, with what lies in its box and what it had
// not begun. So the items have ended for a worker only when they have for all of them: before, somebody
// could still leave it some.
//
// Waits, and who wakes them:
// * the leader waits in the channel, as channel.hpp says, and is interrupted by a worker that leaves;
// * the others wait for their box or for the lead: woken by the leader, when it puts something in, when
//   it gives the lead up (one of them, so that there is a leader while anybody waits), and at the end or
//   a stop, which it sees first; and by a worker that leaves its items to them;
// * at the end of the channel they wait for each other: woken by the last one that gets there or leaves.
// Everything is under mutex_, but what the leader does with the reader and with the key.

#include <parallelpipe/detail/channel_base.hpp>
#include <parallelpipe/input.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <iterator>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallelpipe::detail {

/// The boxes of one stage in one run, its item type erased.
class partition_base {
public:
    virtual ~partition_base() = default;
    /// What `worker` reads. Once for each.
    virtual std::unique_ptr<feed_base> open(std::size_t worker) = 0;
};

/// What `partition_by` leaves in a stage.
class partitioner {
public:
    virtual ~partitioner() = default;
    /// The boxes for a run. `from` is the channel that `reader` reads.
    virtual std::unique_ptr<partition_base> begin(channel_base& from, std::unique_ptr<feed_base> reader,
                                                  std::size_t workers) const = 0;
};

template <class In>
class keyed_feed;

template <class In>
class partition : public partition_base {
public:
    struct entry {
        std::uint64_t number;
        In item;
    };

    partition(channel_base& from, std::unique_ptr<feed_base> reader, std::size_t workers)
        : channel_(from), reader_(std::move(reader)), boxes_(workers) {
        reader_->keep_slots();
    }

    std::unique_ptr<feed_base> open(std::size_t worker) override {
        return std::unique_ptr<feed_base>(new keyed_feed<In>(*this, worker));
    }

protected:
    /// Which of all keys; equal keys are equal.
    virtual std::size_t hash(const In& item) = 0;

private:
    friend class keyed_feed<In>;

    struct box {
        std::deque<entry> items;  // by number
        std::condition_variable wake;
        bool waits = false;
        bool is_at_end = false;  // asked for items behind the end of the channel
        bool has_left = false;
    };

    static constexpr std::size_t most = bulk_items<In>;

    /// Waits for items of `worker`; `receive(entry&&)` gets up to `most_items` of them.
    /// Returns: how many; 0 at the end and at a stop.
    /// Errors: what the key throws, or moving an item.
    template <class Receive>
    std::size_t take(std::size_t worker, std::size_t most_items, Receive receive) {
        std::unique_lock lock(mutex_);
        box& mine = boxes_[worker];
        std::size_t taken = 0;
        for (;;) {
            if (channel_.is_aborted()) {
                has_stopped_ = true;
                break;
            }
            while (taken < most_items && has_item(mine)) {
                receive(std::move(mine.items.front()));
                mine.items.pop_front();
                ++taken;
            }
            mine.is_at_end = taken == 0 && has_ended_;
            if (taken != 0 || has_stopped_ || (has_ended_ && is_over())) break;
            if (!has_leader_ && !has_ended_) {
                lead(lock);
                continue;
            }
            mine.waits = true;
            mine.wake.wait(lock);
            mine.waits = false;
        }
        hand_on();
        return taken;
    }

    /// Reads items once and puts them into their boxes.
    void lead(std::unique_lock<std::mutex>& lock) {
        has_leader_ = true;
        lock.unlock();
        std::size_t targets[most];
        std::span<In> items;
        std::size_t routed = 0;
        std::uint64_t first_number = 0;
        std::exception_ptr error;
        bool stopped = false;
        try {
            items = reader().bulk(most);
            first_number = reader_->number_in_hand();
            for (In& item : items) {
                targets[routed] = hash(item) % boxes_.size();
                ++routed;
            }
        } catch (const stop_unwind&) {
            stopped = true;
        } catch (...) {
            error = std::current_exception();
        }
        lock.lock();
        has_leader_ = false;
        if (error && routed == items.size()) lost_ = reader_->number_in_hand();  // it did not come through
        std::size_t placed = 0;
        try {
            for (; placed < routed; ++placed) {
                box& to = boxes_[heir(targets[placed])];
                to.items.push_back({first_number + placed, std::move(items[placed])});
                to.wake.notify_one();
            }
        } catch (...) {
            error = std::current_exception();
        }
        if (error && placed < items.size()) {
            lost_ = first_number + placed;
            ++placed;
            channel_.return_room(1);
        }
        reader().skip(placed);
        if (error) {
            hand_on();
            std::rethrow_exception(error);
        }
        if (stopped && channel_.is_aborted())
            has_stopped_ = true;
        else if (items.empty() && !channel_.end_interruption())
            has_ended_ = true;
        if (has_ended_ || has_stopped_) hand_on();
    }

    /// Under mutex_: nobody gets items any more.
    bool is_over() const {
        return std::all_of(boxes_.begin(), boxes_.end(), [this](const box& other) {
            return other.has_left || (other.is_at_end && !has_item(other));
        });
    }
    /// Whether there is an item in the box that is still to be read.
    bool has_item(const box& some) const {
        return !some.items.empty() && !channel_.is_stopped_before(some.items.front().number);
    }

    feed<In>& reader() noexcept { return static_cast<feed<In>&>(*reader_); }

    /// Under mutex_: whoever waits gets to know what it has to.
    void hand_on() {
        const bool all = has_ended_ || has_stopped_;
        if (has_leader_ && !all) return;
        for (box& other : boxes_) {
            if (!other.waits) continue;
            other.wake.notify_one();
            if (!all) return;
        }
    }

    /// The worker itself, or who has its keys now.
    std::size_t heir(std::size_t worker) const {
        std::size_t at = worker;
        while (boxes_[at].has_left) {
            at = (at + 1) % boxes_.size();
            if (at == worker) break;  // nobody is left; the last one drains its own
        }
        return at == worker && boxes_[at].has_left ? last_ : at;
    }

    void leave(std::size_t worker, std::vector<entry> unbegun) {
        const std::lock_guard lock(mutex_);
        boxes_[worker].has_left = true;
        last_ = worker;
        box& to = boxes_[heir(worker)];
        std::deque<entry> left = std::exchange(boxes_[worker].items, {});
        for (entry& item : unbegun) insert(to, std::move(item));
        for (entry& item : left) insert(to, std::move(item));
        to.wake.notify_one();
        if (has_leader_) channel_.interrupt();  // the leader may be who got them
        hand_on();
    }

    static void insert(box& to, entry&& item) {
        auto at = to.items.end();
        while (at != to.items.begin() && std::prev(at)->number > item.number) --at;
        const auto index = at - to.items.begin();
        // Only moves: an item need not be assignable.
        std::deque<entry> behind;
        while (static_cast<std::ptrdiff_t>(to.items.size()) > index) {
            behind.push_front(std::move(to.items.back()));
            to.items.pop_back();
        }
        to.items.push_back(std::move(item));
        for (entry& other : behind) to.items.push_back(std::move(other));
    }

    bool is_in_box(std::size_t worker, std::uint64_t number) {
        const std::lock_guard lock(mutex_);
        const std::deque<entry>& items = boxes_[worker].items;
        return std::any_of(items.begin(), items.end(),
                           [&](const entry& item) { return item.number == number; });
    }

    channel_base& channel_;
    const std::unique_ptr<feed_base> reader_;  // the leader's
    std::mutex mutex_;
    std::vector<box> boxes_;
    std::size_t last_ = 0;  // who left last
    bool has_leader_ = false;
    bool has_ended_ = false;
    bool has_stopped_ = false;
    std::optional<std::uint64_t> lost_;  // the number of an item that could not be put into a box
};

/// What one worker of a keyed stage reads.
template <class In>
class keyed_feed final : public feed<In> {
    using entry = typename partition<In>::entry;

public:
    keyed_feed(partition<In>& from, std::size_t worker)
        : from_(from), channel_(from.channel_), worker_(worker),
          most_(channel_.capacity() == 0
                    ? bulk_size
                    : std::min(bulk_size, static_cast<std::size_t>(channel_.return_stride()))) {
        channel_.add(this->taken_);
    }
    ~keyed_feed() override {
        channel_.remove(this->taken_);
        leave({});
    }

    void give_back() override {
        In* const kept = this->current_ + (this->seen_ ? 1 : 0);
        channel_.return_room(kept - returned_);
        std::vector<entry> unbegun;
        for (In* item = kept; item != this->last(); ++item)
            unbegun.push_back({number(item), std::move(*item)});
        leave(std::move(unbegun));
        std::destroy(kept, this->last());
        this->taken_.last.store(kept, std::memory_order_relaxed);
        if (this->milestone_ > kept) this->milestone_ = kept;
        returned_ = kept;
    }

    std::uint64_t number_in_hand() const override {
        if (has_dropped_) return end_ - 1;  // 0 - 1: none; who counts on from it comes to 0 again
        if (lost_) return *lost_;
        if (!this->current_) return 0;
        return number(this->is_ready() ? this->current_ : this->current_ - 1);
    }

    bool waits_for_this_reader(std::uint64_t item) override {
        return from_.is_in_box(worker_, item);
    }

private:
    static constexpr std::size_t bulk_size =
        std::is_nothrow_move_constructible_v<In> ? bulk_items<In> : 1;

    std::uint64_t number(const In* item) const noexcept { return numbers_[item - buffer_.data()]; }

    void milestone() override {
        if (this->needs_attention()) {
            // Once there is a stop, every item is asked about.
            if (!channel_.has_stop()) this->taken_.attention.store(false, std::memory_order_seq_cst);
            if (channel_.is_aborted() || (this->current_ != this->last() &&
                                          channel_.is_stopped_before(number(this->current_)))) {
                if (this->current_ > buffer_.data()) end_ = number(this->current_ - 1) + 1;
                has_dropped_ = true;
                this->destroy_items();
                this->milestone_ = this->current_;
                ended();
                return;
            }
        }
        if (this->current_ == this->last()) {
            if (!refill()) ended();
        } else if (!this->is_ready()) {
            this->begin_item();
            begin_run();
        }
    }

    void ended() {
        const bool stopped = channel_.is_aborted() || channel_.has_stop();
        if (!stopped && this->listener_ && !std::exchange(told_end_, true)) this->listener_->ends(end_);
        if (stopped) leave({});
        if (stopped && !this->quiet_) throw stop_unwind{};
    }

    /// However the worker ends, the others get to know it.
    void leave(std::vector<entry> unbegun) {
        if (!std::exchange(has_left_, true)) from_.leave(worker_, std::move(unbegun));
    }

    bool refill() {
        channel_.return_room(this->current_ - returned_);
        returned_ = this->current_;
        if (this->current_) end_ = number(this->current_ - 1) + 1;
        if (this->listener_) this->listener_->pauses(end_);
        In* to = buffer_.data();
        std::size_t taken = 0;
        try {
            taken = from_.take(worker_, most_, [&](entry&& next) {
                std::construct_at(to, std::move(next.item));
                numbers_[to - buffer_.data()] = next.number;
                if (to == buffer_.data())
                    this->restart_at(to);
                else
                    this->taken_.last.store(to + 1, std::memory_order_relaxed);
                ++to;
            });
        } catch (...) {
            lost_ = from_.lost_;
            if (this->listener_ && lost_) this->listener_->begins(*lost_, end_);
            throw;
        }
        if (taken == 0) return false;
        channel_.return_room(1);  // the first one comes into hand at once
        returned_ = this->current_ + 1;
        begin_run();
        return true;
    }

    /// The item in hand is the first of a run of consecutive numbers.
    void begin_run() {
        if (!this->listener_) {
            this->milestone_ = this->last();
            return;
        }
        In* const first = this->current_;
        if (first != buffer_.data()) end_ = number(first - 1) + 1;
        this->listener_->begins(number(first), end_);
        In* next = first + 1;
        while (next != this->last() && number(next) == number(next - 1) + 1) ++next;
        this->milestone_ = next;
    }

    partition<In>& from_;
    channel_base& channel_;
    const std::size_t worker_;
    const std::size_t most_;
    In* returned_ = nullptr;  // the slots of all items before this one have been returned
    std::uint64_t end_ = 0;   // one past the last number that was begun
    bool told_end_ = false;
    bool has_left_ = false;
    bool has_dropped_ = false;  // a stop kept the rest from being read
    std::optional<std::uint64_t> lost_;
    raw_storage<In, bulk_size> buffer_;
    std::uint64_t numbers_[bulk_size] = {};
};

/// `partition_by(key)`.
template <class In, class Key>
class key_partitioner final : public partitioner {
public:
    explicit key_partitioner(Key key) : key_(std::move(key)) {}

    std::unique_ptr<partition_base> begin(channel_base& from, std::unique_ptr<feed_base> reader,
                                          std::size_t workers) const override {
        return std::unique_ptr<partition_base>(
            new keyed_partition(from, std::move(reader), workers, key_));
    }

private:
    class keyed_partition final : public partition<In> {
    public:
        keyed_partition(channel_base& from, std::unique_ptr<feed_base> reader, std::size_t workers,
                        const Key& key)
            : partition<In>(from, std::move(reader), workers), key_(key) {}

    private:
        std::size_t hash(const In& item) override {
            using value = std::remove_cvref_t<std::invoke_result_t<Key&, const In&>>;
            // The standard's hash of a number may be the number: neighbours, or multiples of the number
            // of workers, are to be spread all the same.
            std::uint64_t mixed = std::hash<value>()(std::invoke(key_, item));
            mixed = (mixed ^ mixed >> 32U) * 0x9e3779b97f4a7c15U;
            mixed = (mixed ^ mixed >> 29U) * 0xbf58476d1ce4e5b9U;
            return static_cast<std::size_t>(mixed ^ mixed >> 32U);
        }

        Key key_;
    };

    const Key key_;
};

}  // namespace parallelpipe::detail

#endif

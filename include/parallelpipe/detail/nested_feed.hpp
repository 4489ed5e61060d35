#ifndef PARALLELPIPE_DETAIL_NESTED_FEED_HPP
#define PARALLELPIPE_DETAIL_NESTED_FEED_HPP

// What a stage reads when the stage before it runs in the same thread: asking for the next item runs
// that one until it yields. No queue, no lock, no thread.

#include <parallelpipe/detail/config.hpp>
#include <parallelpipe/detail/owned.hpp>
#include <parallelpipe/detail/raw_storage.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/this_worker.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace parallelpipe::detail {

/// One call of a stage function whose results are pulled.
class nested_call {
public:
    nested_call() = default;
    nested_call(const nested_call&) = delete;
    nested_call& operator=(const nested_call&) = delete;
    virtual ~nested_call() = default;

    /// Makes the next result at `to`. Returns: false at the end.
    virtual bool next(void* to) = 0;
};

/// The stage that is pulled, its types erased.
///
/// An item passes through all stages in one stack of calls. The return addresses that a processor keeps are
/// few, so each stage adds as few calls as can be: as long as the stage's own call goes on, the feed behind
/// asks that one.
class nested_source {
public:
    nested_source() = default;
    nested_source(const nested_source&) = delete;
    nested_source& operator=(const nested_source&) = delete;
    virtual ~nested_source() = default;

    /// Makes the next result at `to`, by one call of the stage after the other. Returns: false at the end.
    /// Errors: none but stop_unwind.
    PARALLELPIPE_INLINE bool produce(void* to) {
        if (call_) [[likely]] {
            const worker_scope scope(*identity_);
            if (goes_on(to)) return true;
        }
        return produce_otherwise(to);
    }
    /// Nobody wants more: unwinds what stands.
    virtual void abandon() noexcept = 0;
    /// Behind the last result: throws what the reader is to know, if it can be unwound.
    virtual void ended(bool quiet) = 0;
    /// The number of the item that the stage has in hand.
    virtual std::uint64_t number() const = 0;

protected:
    /// Produces where no call stands.
    virtual bool produce_otherwise(void* to) = 0;
    /// call_ has thrown, and this is the handler. Returns: whether its worker is lost.
    virtual bool call_threw() { return false; }
    /// call_ has come to its end, or has thrown.
    virtual void call_ended(bool /*is_lost*/) {}

    /// In the scope of the stage's worker. Returns: whether call_ has made a result; else it has ended, or is
    /// to.
    PARALLELPIPE_INLINE bool goes_on(void* to) {
        if (is_stopped_->load(std::memory_order_acquire)) return false;
        bool is_lost = false;
        try {
            if (call_->next(to)) {
                made_.store(made_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
                return true;
            }
        } catch (...) {
            is_lost = call_threw();
        }
        call_ended(is_lost);
        return false;
    }

    owned<nested_call> call_;  // null: none stands; then the next two are not needed
    const worker_identity* identity_ = nullptr;
    const std::atomic<bool>* is_stopped_ = nullptr;  // acquire: nested_owner::stop()
    std::atomic<std::uint64_t> made_{0};             // results; written here, relaxed: a number
};

template <class T>
class nested_feed final : public feed<T> {
public:
    /// In a fused stage (`is_fused`) an item is told by the number of the one that the fused stage took;
    /// else by its own.
    nested_feed(nested_source& from, bool is_fused) : from_(from), is_fused_(is_fused) {}

    void give_back() override {
        this->destroy_items();
        from_.abandon();
    }

    std::uint64_t number_in_hand() const override {
        return is_fused_ ? from_.number() : made_ - (made_ == 0 ? 0 : 1);
    }
    bool has_taken() const override { return made_ != 0; }

private:
    void milestone() override {
        if (!from_.produce(slot_.data())) {
            from_.ended(this->quiet_);
            return;
        }
        ++made_;
        this->restart_at(slot_.data());
    }

    nested_source& from_;
    const bool is_fused_;
    std::uint64_t made_ = 0;
    raw_storage<T, 1> slot_;
};

/// The items of another feed, converted.
template <class From, class To>
class converted_feed final : public feed<To> {
public:
    explicit converted_feed(feed<From>& from) : from_(from) {}

    void give_back() override {
        this->destroy_items();
        from_.give_back();
    }

    std::uint64_t number_in_hand() const override { return from_.number_in_hand(); }
    bool has_taken() const override { return from_.has_taken(); }

private:
    void milestone() override {
        if (this->quiet_) from_.end_quietly();
        from_.begin();
        if (from_.at_end()) return;
        std::construct_at(slot_.data(), static_cast<To>(std::move(from_.item())));
        this->restart_at(slot_.data());
    }

    feed<From>& from_;
    raw_storage<To, 1> slot_;
};

}  // namespace parallelpipe::detail

#endif

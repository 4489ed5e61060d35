#ifndef PARALLELPIPE_DETAIL_NESTED_FEED_HPP
#define PARALLELPIPE_DETAIL_NESTED_FEED_HPP

// What a stage reads when the stage before it runs in the same thread: asking for the next item runs
// that one until it yields. No queue, no lock, no thread.

#include <parallelpipe/detail/nested_source.hpp>
#include <parallelpipe/detail/owned.hpp>
#include <parallelpipe/detail/raw_storage.hpp>
#include <parallelpipe/detail/source_thread.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/this_worker.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace parallelpipe::detail {

template <class T>
class nested_feed final : public feed<T> {
public:
    /// In a fused stage (`is_fused`) an item is told by the number of the one that the fused stage took;
    /// else by its own.
    nested_feed(nested_source& from, bool is_fused) : from_(&from), is_fused_(is_fused) {}
    ~nested_feed() override {
        if (!thread_) return;
        thread_->end();
        destroy_untaken();
    }

    void give_back() override {
        this->destroy_items();
        from_->abandon();
        destroy_untaken();
    }

    std::uint64_t number_in_hand() const override {
        return is_fused_ ? from_->number() : made_ - (made_ == 0 ? 0 : 1);
    }
    bool has_taken() const override { return made_ != 0; }

    void arrive() override {
        if (thread_ || !current_worker || current_worker->of_run == from_->identity().of_run)
            return;
        thread_.reset(new source_thread(*from_, slot_.data()));
        from_ = thread_.get();
    }

private:
    void milestone() override {
        if (!from_->produce(slot_.data())) {
            from_->ended(this->quiet_);
            return;
        }
        ++made_;
        this->restart_at(slot_.data());
    }

    void destroy_untaken() noexcept {
        if (thread_ && thread_->take_untaken()) std::destroy_at(slot_.data());
    }

    nested_source* from_;  // the stage, or its thread
    const bool is_fused_;
    std::uint64_t made_ = 0;
    raw_storage<T, 1> slot_;
    owned<source_thread> thread_;  // null until a worker of another run reads here
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
    void arrive() override { from_.arrive(); }

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

// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_INPUT_NESTED_READER_HPP
#define PARALLELPIPE_DETAIL_INPUT_NESTED_READER_HPP

// What a stage reads when the stage before it runs in the same thread: to ask for the next item runs the stage before
// until it yields. No queue, no lock, no thread.

#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/base/raw_storage.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/input/nested_source.hpp>
#include <parallelpipe/detail/input/source_thread.hpp>
#include <parallelpipe/detail/sync/primitives.hpp>
#include <parallelpipe/detail/worker/identity.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace parallelpipe::inline v0::detail {

template <class T>
class nested_reader final : public item_reader<T> {
public:
    /// The numbers of the items are those of `from`, if it has some, else the reader counts.
    explicit nested_reader(nested_source& from)
        : stage_(from), from_(&from), has_numbers_(from.ordered() != nullptr) {}
    ~nested_reader() override {
        if (!thread_) return;
        thread_->end();
        destroy_untaken();
    }

    void give_back() override {
        this->destroy_items();
        from_->abandon();
        destroy_untaken();
    }

    ordered_reader* ordered() noexcept override { return stage_.ordered(); }

    std::uint64_t number_in_hand() const override {
        return has_numbers_ ? from_->number() : made_ - (made_ == 0 ? 0 : 1);
    }
    bool has_taken() const override { return made_ != 0; }

    void read_by(sync::stop_token inner_stage) override {
        on_inner_stop_.reset();
        inner_stage_ = std::move(inner_stage);
        if (is_last_reader_) on_inner_stop_.emplace(inner_stage_, stopping{&stage_});
    }
    void last_reader_comes() override { is_last_reader_ = true; }

    void arrive() override {
        if (thread_ || !current_worker || current_worker->of_run == stage_.identity().of_run)
            return;
        thread_.reset(new source_thread(stage_, slot_.data(), inner_stage_));
        from_ = thread_.get();
    }

private:
    struct stopping {
        nested_source* stage;
        void operator()() const { stage->request_stop(); }
    };

    void checkpoint() override {
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

    nested_source& stage_;
    nested_source* from_;  // the stage, or its thread
    const bool has_numbers_;
    std::uint64_t made_ = 0;
    bool is_last_reader_ = false;
    sync::stop_token inner_stage_;
    std::optional<sync::stop_callback<stopping>> on_inner_stop_;
    raw_storage<T, 1> slot_;
    owning_ptr<source_thread> thread_;  // null until a worker of another run reads here
};

/// The items of another reader, converted.
template <class From, class To>
class converting_reader final : public item_reader<To> {
public:
    explicit converting_reader(item_reader<From>& from) : from_(from) {}

    void give_back() override {
        this->destroy_items();
        from_.give_back();
    }

    std::uint64_t number_in_hand() const override { return from_.number_in_hand(); }
    bool has_taken() const override { return from_.has_taken(); }
    void read_by(sync::stop_token inner_stage) override { from_.read_by(std::move(inner_stage)); }
    void last_reader_comes() override { from_.last_reader_comes(); }
    void arrive() override { from_.arrive(); }

private:
    void checkpoint() override {
        if (this->quiet_) from_.end_quietly();
        from_.begin();
        if (from_.at_end()) return;
        std::construct_at(slot_.data(), static_cast<To>(std::move(from_.item())));
        this->restart_at(slot_.data());
    }

    item_reader<From>& from_;
    raw_storage<To, 1> slot_;
};

}  // namespace parallelpipe::detail

#endif

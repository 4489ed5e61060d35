// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_STAGE_STAGE_CODE_HPP
#define PARALLELPIPE_DETAIL_STAGE_STAGE_CODE_HPP

// What a stage runs, with its types erased: per worker, never per item.
//
// What is made here goes into a pointer to its base at once: the machinery of a smart pointer for each type
// would be a fifth of what a program with a pipeline has to compile.

#include <parallelpipe/detail/base/callable_traits.hpp>
#include <parallelpipe/detail/base/config.hpp>
#include <parallelpipe/detail/base/owning_ptr.hpp>
#include <parallelpipe/detail/base/range_elements.hpp>
#include <parallelpipe/detail/channel/channel.hpp>
#include <parallelpipe/detail/input/item_reader.hpp>
#include <parallelpipe/detail/input/nested_reader.hpp>
#include <parallelpipe/detail/input/nested_source.hpp>
#include <parallelpipe/detail/keyed/key_router.hpp>
#include <parallelpipe/detail/ordered/reorder_buffer.hpp>
#include <parallelpipe/detail/stage/call.hpp>
#include <parallelpipe/detail/stage/item_kernel.hpp>
#include <parallelpipe/detail/worker/failure.hpp>
#include <parallelpipe/detail/worker/identity.hpp>
#include <parallelpipe/error.hpp>
#include <parallelpipe/input.hpp>
#include <parallelpipe/item.hpp>
#include <parallelpipe/setup.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace parallelpipe::inline v0::detail {

/// Where a worker's results go.
struct output {
    channel_slots* channel = nullptr;
    sequencer* order = nullptr;  // null: as they come
    std::size_t worker = 0;
    worker_counters* own_counters = nullptr;
};

/// Thrown by a fused stage: which of the stages inside it threw what.
struct inner_failure {
    std::string stage;
    std::exception_ptr cause;
    bool stops_run = false;  // a dead-letter handler threw
    bool in_order = false;   // what came before it has gone through the stages after
};

/// The exception that is being handled, as one of the stage `name`, unless it is one already.
inline inner_failure inner_failure_of(std::string_view name) {
    try {
        throw;
    } catch (const inner_failure& inner) {
        return inner;
    } catch (const handler_failure& handler) {
        return {std::string(name), handler.cause, true};
    } catch (...) {
        return {std::string(name), std::current_exception()};
    }
}

/// Whether what came before an error of `worker` still goes through the stages after it: its stage, or a fused one
/// that this is in, is ordered or has OnError::finish.
inline bool fails_in_order(const worker_identity* worker, bool stops_run) {
    for (; worker; worker = worker->host) {
        if (!worker->setup) continue;
        const Setup& setup = *worker->setup;
        if (setup.ordered.value_or(false) || (setup.on_error == OnError::finish && !stops_run)) return true;
    }
    return false;
}

/// The same as one of a stage that is inside a fused one.
inline inner_failure inner_failure_of(const worker_identity& worker) {
    inner_failure failure = inner_failure_of(worker.stage);
    failure.in_order = failure.in_order || fails_in_order(&worker, failure.stops_run);
    return failure;
}

/// Does `what`. A failure that is noted meanwhile does not pass through that, which could catch it: it is
/// unwound as by a stop. Then the failure is thrown. `noted` says has_failed() and can throw_failure().
template <class Noted, class What>
void throwing_what_is_noted(Noted& noted, What what) {
    try {
        what();
    } catch (const stop_unwind&) {
        if (!noted.has_failed()) throw;
    }
    if (noted.has_failed()) noted.throw_failure();
}

/// The run whose results are asked for was unwound by another one, whose items it reads. The worker of that one
/// who asks goes the same way; anybody else was cancelled.
[[noreturn]] inline void throw_unwound() {
    if (current_worker) throw stop_unwind();
    throw CancelledError();
}

/// Whether that says no more than that a run was stopped, or a run in one of its stages.
inline bool says_cancelled(const std::exception_ptr& cause) {
    try {
        std::rethrow_exception(cause);
    } catch (const CancelledError&) {
        return true;
    } catch (const TaskException& failed) {
        return std::all_of(failed.errors().begin(), failed.errors().end(),
                           [](const TaskError& error) { return says_cancelled(error.cause()); });
    } catch (...) {
        return false;
    }
}

/// All workers of a stage have been lost: what was meant for them runs to its end for nothing. An item that
/// cannot even be moved or converted is gone, too.
inline void ignore_the_rest(item_reader_base& in) {
    for (;;) {
        try {
            in.drain();
            return;
        } catch (const stop_unwind&) {
            return;
        } catch (...) {
        }
    }
}

/// Gets items one by one.
class item_sink {
public:
    item_sink() = default;
    item_sink(const item_sink&) = delete;
    item_sink& operator=(const item_sink&) = delete;
    virtual ~item_sink() = default;

    /// The item may be moved from. Returns: whether more are wanted.
    virtual bool take(void* item) = 0;
};

/// Pushes into one. What that throws is not the pushing stage's.
template <class Out>
class sink_output {
public:
    explicit sink_output(item_sink& to) noexcept : to_(to) {}

    bool push(Out&& result) {
        is_pushing_ = true;
        const bool wanted = to_.take(std::addressof(result));
        is_pushing_ = false;
        return wanted;
    }
    /// Whether push() was left by an exception.
    bool is_pushing() const noexcept { return is_pushing_; }

private:
    item_sink& to_;
    bool is_pushing_ = false;
};

class stage_code {
public:
    virtual ~stage_code() = default;

    /// Before a run: throws std::logic_error if what the stage reads from is used up.
    virtual void begin_run() const {}

    /// The queue for this stage's results; null if it has none.
    virtual owning_ptr<channel_slots> make_channel(std::optional<std::size_t> qsize,
                                             std::size_t producers,
                                             std::size_t consumers) const = 0;

    /// What puts the workers' results in order on their way into `out`, a channel of this stage's.
    virtual owning_ptr<sequencer> make_sequencer(channel_slots& out, std::size_t workers) const = 0;

    /// One worker's life: reads from `in` until it or the stage function ends, writes to `out`.
    /// `in` is null for a source, `out.channel` for a sink.
    virtual void run(item_reader_base* in, output out) const = 0;

    /// The same for results that are pulled; not for a sink.
    virtual owning_ptr<nested_call> call(item_reader_base* in) const = 0;

    /// Whether the stage calls a function for each item, and nothing else: then it can be a step of a
    /// fused stage, where each item is handed on at once.
    virtual bool has_kernel() const noexcept { return false; }
    virtual owning_ptr<item_sink> make_kernel(item_sink& /*next*/, const worker_identity&) const {
        return nullptr;
    }
    /// As run(), with the results handed to a step, one by one. Not for a sink or a range.
    virtual void run_into(item_reader_base* /*in*/, item_sink& /*first*/, const worker_identity&) const {}

    /// What the next stage in the same thread reads from.
    virtual owning_ptr<item_reader_base> make_nested_reader(nested_source& from, bool has_numbers) const = 0;
};

/// Big items are not left lying about in numbers: about 64 KiB of them, but at least 16.
template <class T>
inline constexpr std::size_t default_qsize =
    std::clamp<std::size_t>(std::size_t{65536} / sizeof(T), 16, 1024);

template <class Out>
class typed_stage_code : public stage_code {
public:
    owning_ptr<channel_slots> make_channel(std::optional<std::size_t> qsize, std::size_t producers,
                                     std::size_t consumers) const final {
        if constexpr (std::is_void_v<Out>)
            return nullptr;
        else
            return owning_ptr<channel_slots>(
                new Channel<Out>(qsize.value_or(default_qsize<Out>), producers, consumers));
    }

    owning_ptr<sequencer> make_sequencer(channel_slots& out, std::size_t workers) const final {
        if constexpr (std::is_void_v<Out>)
            return nullptr;
        else
            return owning_ptr<sequencer>(
                new reorder_buffer<Out>(static_cast<Channel<Out>&>(out), workers));
    }

    owning_ptr<item_reader_base> make_nested_reader(nested_source& from, bool has_numbers) const final {
        if constexpr (std::is_void_v<Out>)
            return nullptr;
        else
            return owning_ptr<item_reader_base>(new nested_reader<Out>(from, has_numbers));
    }

    owning_ptr<nested_call> call(item_reader_base*) const override { return nullptr; }

protected:
    /// Pushes the elements of the range that `make()` returns, or what a feed has, until that or the channel ends.
    /// Where there is an order it gets to know of items before make() can take some, and until what it returned
    /// is gone.
    template <class Make>
    static void deliver(Make make, item_reader_base* in, const output& out) {
        if (out.order) {
            typename reorder_buffer<Out>::Output ordered(static_cast<reorder_buffer<Out>&>(*out.order),
                                                         out.worker, in, out.own_counters);
            auto&& from = make();
            push_all(from, ordered);
        } else {
            typename Channel<Out>::Producer producer(static_cast<Channel<Out>&>(*out.channel));
            producer.count_for(out.own_counters);
            typename Channel<Out>::Producer::Row row(producer);
            auto&& from = make();
            push_all(from, row);
        }
    }

    template <class Range, class To>
    PARALLELPIPE_INLINE static void push_all(Range& range, To& to) {
        if constexpr (requires { range.push_all(to); }) {
            range.push_all(to);
        } else {
            push_each(range, to);
        }
    }

private:
    template <class Range, class To>
    PARALLELPIPE_INLINE static void push_each(Range& range, To& to) {
        if constexpr (is_generator<Range>) {
            auto& coroutine = range.promise();
            for (auto* element = coroutine.first_or_next(); element; element = coroutine.make_next())
                if (!push_one(std::move(*element), to)) return;
        } else {
            const auto end = std::ranges::end(range);
            for (auto it = std::ranges::begin(range); it != end; ++it)
                if (!push_one(take_element<Range>(it), to)) return;
        }
    }
    template <class Element, class To>
    PARALLELPIPE_INLINE static bool push_one(Element&& element, To& to) {
        if constexpr (std::same_as<Element&&, Out&&>)
            return to.push(std::move(element));
        else
            return to.push(static_cast<Out>(std::forward<Element>(element)));
    }
};

/// A range whose elements are pulled, and its current position.
template <class Range, class Out>
class pulled_range {
public:
    explicit pulled_range(Range& range) : range_(range), at_(std::ranges::begin(range)) {}

    bool next(void* to) {
        if (!std::exchange(fresh_, false)) ++at_;
        if (at_ == std::ranges::end(range_)) return false;
        std::construct_at(static_cast<Out*>(to), static_cast<Out>(take_element<Range>(at_)));
        return true;
    }

private:
    Range& range_;
    std::ranges::iterator_t<Range> at_;
    bool fresh_ = true;
};
template <class T, class Out>
class pulled_range<generator<T>, Out> {
public:
    explicit pulled_range(generator<T>& range) noexcept : coroutine_(range.promise()) {}

    bool next(void* to) {
        T* const element = coroutine_.first_or_next();
        if (element)
            std::construct_at(static_cast<Out*>(to), static_cast<Out>(std::move(*element)));
        return element;
    }

private:
    typename generator<T>::promise_type& coroutine_;
};

template <class In, class Out, class F, class... Bound>
class function_stage final : public typed_stage_code<Out> {
    using result_range = stage_result_t<F, In, Bound...>;

    /// A worker's own.
    struct copies {
        std::tuple<Bound...> bound;
        F function;

        decltype(auto) call(input_of_t<In>& input) {
            // g++ 12 warns of a virtual call that a pointer to a member of a small class cannot make;
            // one volatile read a worker keeps it from looking.
            copies* volatile unknown = this;
            return detail::call_stage(unknown->function, input, unknown->bound);
        }
    };

public:
    using input_item = In;
    using result_item = Out;

    /// The stage's function for items that come one by one; only if has_kernel().
    class kernel_runner {
    public:
        kernel_runner(const function_stage& of, const worker_identity& identity)
            : identity_(identity), here_(of.own_), range_(call()) {}
        kernel_runner(const kernel_runner&) = delete;
        kernel_runner& operator=(const kernel_runner&) = delete;

        template <class Emit>
        PARALLELPIPE_INLINE bool operator()(In& item, const Emit& emit) {
            return range_.run(item, emit);
        }
        const auto& kernel() const noexcept { return range_.kernel(); }
        const worker_identity& identity() const noexcept { return identity_; }

    private:
        result_range call() {
            const worker_scope scope(identity_);
            input_of_t<In> none(no_items{});
            return here_.call(none);
        }

        const worker_identity identity_;
        copies here_;
        result_range range_;
    };

    template <class Function, class... Arguments>
    explicit function_stage(Function&& function, Arguments&&... arguments)
        : own_{std::tuple<Bound...>(std::forward<Arguments>(arguments)...),
               F(std::forward<Function>(function))} {}

    void run(item_reader_base* in, output out) const override {
        // What the call returns may be a coroutine that refers to the worker's copies and to the
        // input: it is declared last, so it goes first.
        copies here(own_);
        auto input = input_from(in);
        if constexpr (std::is_void_v<Out>) {
            here.call(input);
        } else {
            this->deliver([&] { return here.call(input); }, in, out);
        }
    }

    owning_ptr<nested_call> call(item_reader_base* in) const override {
        if constexpr (std::is_void_v<Out>)
            return nullptr;
        else
            return owning_ptr<nested_call>(new pulled_call(own_, in));
    }

    bool has_kernel() const noexcept override { return detail::has_kernel<result_range>; }
    owning_ptr<item_sink> make_kernel([[maybe_unused]] item_sink& next,
                               [[maybe_unused]] const worker_identity& identity) const override {
        if constexpr (detail::has_kernel<result_range>)
            return owning_ptr<item_sink>(new kernel(*this, next, identity));
        else
            return nullptr;
    }
    void run_into([[maybe_unused]] item_reader_base* in, [[maybe_unused]] item_sink& first,
                  [[maybe_unused]] const worker_identity& identity) const override {
        if constexpr (!std::is_void_v<Out>) {
            const worker_scope scope(identity);
            sink_output<Out> to(first);
            try {
                copies here(own_);
                auto input = input_from(in);
                auto range = here.call(input);
                this->push_all(range, to);
            } catch (const stop_unwind&) {
                throw;
            } catch (...) {
                if (to.is_pushing()) throw;
                throw inner_failure_of(identity);
            }
        }
    }

private:
    static input_of_t<In> input_from([[maybe_unused]] item_reader_base* in) {
        if constexpr (std::is_void_v<In>) {
            return {};
        } else {
            if constexpr (reads_without_unwinding<F, In, Bound...>) in->end_quietly();
            return Input<In>(static_cast<item_reader<In>&>(*in));
        }
    }

    class pulled_call final : public nested_call {
    public:
        pulled_call(const copies& own, item_reader_base* in)
            : here_(own), input_(input_from(in)), range_(here_.call(input_)), pulled_(range_) {}

        bool next(void* to) override { return pulled_.next(to); }

    private:
        copies here_;
        input_of_t<In> input_;
        result_range range_;
        pulled_range<result_range, Out> pulled_;
    };

    class kernel final : public item_sink {
    public:
        kernel(const function_stage& of, item_sink& next, const worker_identity& identity)
            : kernel_runner_(of, identity), next_(next) {}

        bool take(void* item) override {
            const worker_scope scope(kernel_runner_.identity());
            sink_output<Out> to(next_);
            try {
                return kernel_runner_(*static_cast<In*>(item),
                                [&](Out&& result) { return to.push(std::move(result)); });
            } catch (const stop_unwind&) {
                throw;
            } catch (...) {
                if (to.is_pushing()) throw;
                throw inner_failure_of(kernel_runner_.identity());
            }
        }

    private:
        kernel_runner kernel_runner_;
        item_sink& next_;
    };

    const copies own_;
};

using shared_code = std::shared_ptr<const stage_code>;  // immutable: shared by all copies and runs

/// A stage body of type Body.
template <class Code, class... Arguments>
shared_code make_code(Arguments&&... arguments) {
    const stage_code* const made = new Code(std::forward<Arguments>(arguments)...);
    return shared_code(made);
}

/// A range that the workers of one stage read themselves, in one run.
class shared_range {
public:
    class reader;

    virtual ~shared_range() = default;
    /// Nobody gets another item.
    virtual void stop() noexcept = 0;
    virtual bool is_stopped() const noexcept = 0;
    /// How many elements have been taken; for any thread.
    virtual std::uint64_t taken() const noexcept = 0;
    /// One worker's way to the range. `worker` outlives it.
    virtual owning_ptr<reader> open_for(const worker_identity& worker) = 0;
};
class shared_range::reader {
public:
    virtual ~reader() = default;
    /// What the worker reads. Once; dies before the reader.
    virtual owning_ptr<item_reader_base> open() = 0;
    /// Whether the range threw, at an item for this worker.
    virtual bool has_failed() const noexcept = 0;
    /// Throws that, as an inner_failure, and forgets it: without threads the next worker reads here, too.
    virtual void throw_failure() = 0;
};
/// Only programs that have such a range compile what is behind it: range_in_turn.hpp.
using range_opener = owning_ptr<shared_range> (*)(const stage_code& range);

/// Opens what a worker reads from, given the channel it comes through: the one place where the item
/// type of the left stage and that of the right meet.
using connector = owning_ptr<item_reader_base> (*)(channel_slots& from, std::size_t readers);

/// The same for stages in one thread. Null: the types are the same, there is nothing to convert.
using converter = owning_ptr<item_reader_base> (*)(item_reader_base& from);

/// What a stage without a name is called, before its position: `batch_2`. A ready-made stage
/// specializes this for its function.
template <class Function>
inline constexpr const char* kind_of = "stage";

/// One stage of a pipeline, types erased.
struct stage_entry {
    shared_code code;
    Setup setup;
    std::shared_ptr<const key_router_maker> partition;  // null: any worker takes any item
    shared_code range;             // what its workers read themselves; null: a channel, or nothing
    range_opener open_range = nullptr;  // set where there is a range
    connector connect = nullptr;  // set when something stands on the left
    converter convert = nullptr;
    const char* kind = "stage";   // what it is called where it has no name
    bool is_range = false;        // the range on the left: named `source`, not counted
    bool per_item = false;        // calls its function for each item: one item can fail alone
    bool yields_views = false;    // of memory that another object owns
    bool views_items = false;     // these may be of its items
    bool keeps_items = false;     // several items at a time, which must not be views of what is gone

    std::string name(std::size_t position) const {
        if (setup.name) return *setup.name;
        return is_range ? "source" : std::string(kind) + '_' + std::to_string(position);
    }
    std::size_t workers() const { return setup.workers.value_or(1); }
    /// As stage_code::begin_run.
    void begin_run() const {
        if (range) range->begin_run();
        code->begin_run();
    }
};

/// The names of a chain's stages, in order.
inline std::vector<std::string> names_of(std::span<const stage_entry> stages) {
    std::vector<std::string> names;
    names.reserve(stages.size());
    std::size_t position = 0;
    for (const stage_entry& stage : stages)
        names.push_back(stage.name(stage.is_range ? 0 : position++));
    return names;
}

/// Whether the results of such stages, one inside the other, may look at an item that they have read, or one of
/// them keeps such results although the items are gone.
inline bool views_items(std::span<const stage_entry> stages) {
    bool views_item = false;
    for (const stage_entry& stage : stages) {
        if (views_item && stage.keeps_items) return true;
        views_item = stage.views_items || (views_item && stage.yields_views);
    }
    return views_item;
}

/// Before a run. Errors: `std::logic_error` if the results of a stage may look at its items: the next stage, or
/// the consumer, would look when they are gone.
inline void refuse_views_of_items(std::span<const stage_entry> stages) {
    for (std::size_t i = 0; i < stages.size(); ++i)
        if (stages[i].views_items)
            throw std::logic_error(
                "parallelpipe: the items of stage \"" + names_of(stages)[i] +
                "\" own their memory, and it yields views, such as a std::string_view or a span, which would look at "
                "an item that is gone: yield a std::string, or another type that owns its memory; or fuse the stage "
                "with the one that reads the views, fuse(a | b); or, where what they look at outlives the run, as "
                "literals and mapped files do, yield a Lasting<std::string_view>");
}

/// `source | fetch(x4) | get_titles(x2)`
inline std::string to_string(std::span<const stage_entry> stages) {
    const std::vector<std::string> names = names_of(stages);
    std::string text;
    for (std::size_t i = 0; i < stages.size(); ++i) {
        if (i != 0) text += " | ";
        text += names[i];
        if (!stages[i].is_range) text += "(x" + std::to_string(stages[i].workers()) + ')';
    }
    return text;
}

}  // namespace parallelpipe::detail

#endif

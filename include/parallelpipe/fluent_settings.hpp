// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_FLUENT_SETTINGS_HPP
#define PARALLELPIPE_FLUENT_SETTINGS_HPP

#include <parallelpipe/detail/stage/settings.hpp>
#include <parallelpipe/setup.hpp>

#include <utility>

namespace parallelpipe::inline v0 {

/// The calls that change the settings of a stage in place: a base of Stage, of ItemStage and of what becomes one.
/// Shape: each returns the stage itself, so that calls can be chained: an lvalue as `Self&`, an rvalue as `Self&&`.
template <class Self>
class fluent_settings {
public:
    /// Changes settings; a field left out keeps its value.
    /// Errors: `std::invalid_argument` for a value that the stage cannot have; in an ItemStage also for `retry` if
    ///   the function takes an item by value that cannot be copied.
    Self& setup(Setup changes) & {
        self().set(std::move(changes));
        return self();
    }
    Self&& setup(Setup changes) && { return std::move(setup(std::move(changes))); }
    template <detail::misnamed Wrong = detail::misnamed_setup>
    detail::no_such_setting<Wrong> setup(Wrong) const;

    /// Every item goes to the worker that its key belongs to: items with equal keys to the same worker, in the order
    /// in which they arrive. So what a worker keeps for a key needs no lock.
    /// Shape: `key(const In&)` returns something that `std::hash` knows. When a worker returns early, or is lost, its
    ///   keys belong to another one from then on. With one worker the key changes nothing.
    /// Threads: `key` is called by one worker at a time; each run has a copy of it.
    /// Blocks: while a worker is slow, the items that wait for it fill the queue, in the end all of it.
    /// Errors: an exception in `key` is one of the stage.
    template <class Key>
    Self& partition_by(Key key) & {
        self().set_key(std::move(key));
        return self();
    }
    template <class Key>
    Self&& partition_by(Key key) && {
        return std::move(partition_by(std::move(key)));
    }

    /// Items that fail for good go to `handler(std::exception_ptr, In& item)`, and the run goes on. Only an ItemStage
    /// has a dead-letter handler: for any other stage this does not compile.
    /// Threads: the worker's own; each worker has a copy of the handler, as of the function.
    /// Errors: if the handler throws, the run stops with that. `std::invalid_argument` here if the function takes an
    ///   item by value that cannot be copied.
    template <class Handler>
    Self& dead_letter(Handler handler) & {
        self().set_handler(std::move(handler));
        return self();
    }
    template <class Handler>
    Self&& dead_letter(Handler handler) && {
        return std::move(dead_letter(std::move(handler)));
    }

private:
    Self& self() noexcept { return static_cast<Self&>(*this); }
};

}  // namespace parallelpipe

#endif

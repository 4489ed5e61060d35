#ifndef PARALLELPIPE_EXAMPLES_COMMAND_LINE_HPP
#define PARALLELPIPE_EXAMPLES_COMMAND_LINE_HPP

// What the programs have in common: they take options, and tell people what went wrong.

#include <parallelpipe.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <syncstream>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

class WrongUsage : public std::exception {};

/// The words behind a program's name. What is asked for is taken out.
class CommandLine {
public:
    CommandLine(int argc, char** argv) : words_(argv + 1, argv + argc) {}

    /// Whether the option `name` was given.
    bool has(std::string_view name) { return std::erase(words_, name) != 0; }

    /// What was given behind `name`.
    std::optional<std::string> value(std::string_view name) {
        const auto found = std::ranges::find(words_, name);
        if (found == words_.end()) return std::nullopt;
        if (found + 1 == words_.end()) throw WrongUsage();
        std::string value = std::move(found[1]);
        words_.erase(found, found + 2);
        return value;
    }

    /// The same for a number from 1 to a million.
    std::optional<unsigned> number(std::string_view name) {
        const auto text = value(name);
        if (!text) return std::nullopt;
        unsigned number = 0;
        const char* const end = text->data() + text->size();
        const auto [last, error] = std::from_chars(text->data(), end, number);
        if (error != std::errc() || last != end || number == 0 || number > 1'000'000)
            throw WrongUsage();
        return number;
    }

    /// As many as there are cores, if not told.
    unsigned workers() {
        return number("--workers").value_or(std::max(1u, std::thread::hardware_concurrency()));
    }

    /// What is left when all options were asked for; `-` is a name too.
    std::vector<std::string> names(std::size_t most = std::numeric_limits<std::size_t>::max()) {
        const auto is_option = [](const std::string& word) {
            return word.starts_with('-') && word != "-";
        };
        if (words_.size() > most || std::ranges::any_of(words_, is_option)) throw WrongUsage();
        return std::move(words_);
    }

private:
    std::vector<std::string> words_;
};

/// Tells about one item that could not be used, in a line of its own, whichever thread calls.
inline void say_left_out(std::string_view what, const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& reason) {
        std::osyncstream(std::cerr) << "left out " << what << ": " << reason.what() << '\n';
    }
}

/// Calls `program(CommandLine)`; if that throws, says why on the standard error.
/// Returns: what main should.
template <class Program>
int run_program(int argc, char** argv, std::string_view usage, Program program) {
    try {
        try {
            return program(CommandLine(argc, argv));
        } catch (const parallelpipe::TaskException& error) {
            error.rethrow_cause();  // people want to know what happened, not in which thread
        }
    } catch (const WrongUsage&) {
        std::cerr << usage;
        return 2;
    } catch (const std::exception& error) {
        std::cerr << std::filesystem::path(argv[0]).filename().string() << ": " << error.what()
                  << '\n';
        return EXIT_FAILURE;
    }
}

#endif

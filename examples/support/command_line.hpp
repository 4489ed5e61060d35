#ifndef PARALLELPIPE_EXAMPLES_COMMAND_LINE_HPP
#define PARALLELPIPE_EXAMPLES_COMMAND_LINE_HPP

// Shared by the examples: the options of the command line and the messages on errors.

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

/// The arguments of a program. Each call removes the arguments that it returns.
class CommandLine {
public:
    CommandLine(int argc, char** argv) : words_(argv + 1, argv + argc) {}

    /// Whether the option `name` was given.
    bool has(std::string_view name) { return std::erase(words_, name) != 0; }

    /// The value after the option `name`; nullopt without the option.
    std::optional<std::string> value(std::string_view name) {
        const auto found = std::ranges::find(words_, name);
        if (found == words_.end()) return std::nullopt;
        if (found + 1 == words_.end()) throw WrongUsage();
        std::string value = std::move(found[1]);
        words_.erase(found, found + 2);
        return value;
    }

    /// The value after the option `name` as a number from 1 to a million.
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

    /// The value of --workers; by default the number of cores.
    unsigned workers() {
        return number("--workers").value_or(std::max(1u, std::thread::hardware_concurrency()));
    }

    /// The remaining arguments; call it after all options were read. `-` is a name too.
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

/// Prints why an item was left out, in one line of the standard error. Threads: any may call.
inline void say_left_out(std::string_view what, const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& reason) {
        std::osyncstream(std::cerr) << "left out " << what << ": " << reason.what() << '\n';
    }
}

/// Calls `program(CommandLine)`; prints the message of an exception to the standard error.
/// Returns: the exit status of the program.
template <class Program>
int run_program(int argc, char** argv, std::string_view usage, Program program) {
    try {
        try {
            return program(CommandLine(argc, argv));
        } catch (const parallelpipe::TaskException& error) {
            error.rethrow_cause();  // the user needs the cause, not the name of the thread
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

// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_BASE_DESCRIBE_HPP
#define PARALLELPIPE_DETAIL_BASE_DESCRIBE_HPP

// The text of an exception.

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <system_error>
#include <typeinfo>

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

namespace parallelpipe::inline v0::detail {

/// The name of the type as a program writes it.
inline std::string readable_name(const std::type_info& type) {
#if __has_include(<cxxabi.h>)
    int status = 0;
    const struct freed {
        ~freed() { std::free(text); }
        char* text;
    } name{abi::__cxa_demangle(type.name(), nullptr, nullptr, &status)};
    if (name.text) {
        // Without the inline namespace of the version, which programs do not write.
        constexpr std::string_view inner = "parallelpipe::v0::", outer = "parallelpipe::";
        std::string readable(name.text);
        for (std::size_t at = 0; (at = readable.find(inner, at)) != std::string::npos; at += outer.size())
            readable.replace(at, inner.size(), outer);
        return readable;
    }
#endif
    return type.name();
}

/// `std::invalid_argument: failed at 200`: the dynamic type and the message of an exception.
inline std::string describe(const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const std::exception& e) {
        return readable_name(typeid(e)) + ": " + e.what();
    } catch (...) {
#if __has_include(<cxxabi.h>)
        if (const std::type_info* type = abi::__cxa_current_exception_type())
            return readable_name(*type) + " (not derived from std::exception)";
#endif
        return "an exception that is not derived from std::exception";
    }
}

/// Throws `error`, with which starting the thread of `owner` failed, again, with a message that names the owner.
[[noreturn]] inline void throw_not_started(const std::system_error& error, const std::string& owner) {
    throw std::system_error(error.code(), "parallelpipe: cannot start the thread of " + owner);
}

}  // namespace parallelpipe::detail

#endif

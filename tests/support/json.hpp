#ifndef PARALLELPIPE_TESTS_JSON_HPP
#define PARALLELPIPE_TESTS_JSON_HPP

// A strict reader of JSON, to check the JSON that the library writes.

#include <cctype>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace support {

struct Json {
    char kind = 'n';   // n(ull) b(oolean) d (number) s(tring) a(rray) o(bject)
    std::string text;  // the characters of a string; a number or boolean as written
    std::vector<Json> elements;
    std::map<std::string, Json> members;

    const Json& at(const std::string& key) const { return members.at(key); }
    const Json& at(std::size_t i) const { return elements.at(i); }
    std::size_t size() const { return elements.size() + members.size(); }
    double number() const {
        if (kind != 'd') throw std::runtime_error("no number");
        return std::strtod(text.c_str(), nullptr);
    }
    bool is(bool value) const { return kind == 'b' && text == (value ? "true" : "false"); }
};

class JsonReader {
public:
    explicit JsonReader(std::string_view text) : rest_(text) {}

    /// Reads one value. Throws `std::runtime_error` at the first wrong character, and for text after the value.
    Json whole() {
        Json value = read();
        space();
        if (!rest_.empty()) fail("text after the value");
        return value;
    }

private:
    [[noreturn]] void fail(const std::string& what) const {
        throw std::runtime_error(what + " at: " + std::string(rest_.substr(0, 40)));
    }
    void space() {
        while (!rest_.empty() && std::string_view(" \t\r\n").find(rest_[0]) != rest_.npos)
            rest_.remove_prefix(1);
    }
    bool skip(std::string_view token) {
        if (!rest_.starts_with(token)) return false;
        rest_.remove_prefix(token.size());
        return true;
    }
    void expect(std::string_view token) {
        space();
        if (!skip(token)) fail("expected " + std::string(token));
    }
    char next() {
        if (rest_.empty()) fail("unexpected end");
        const char c = rest_[0];
        rest_.remove_prefix(1);
        return c;
    }

    Json read() {
        space();
        Json value;
        if (skip("null")) return value;
        if (rest_.starts_with("true") || rest_.starts_with("false")) {
            value.kind = 'b';
            value.text = rest_.substr(0, rest_[0] == 't' ? 4 : 5);
            rest_.remove_prefix(value.text.size());
        } else if (rest_.starts_with('"')) {
            value.kind = 's';
            value.text = string();
        } else if (skip("[")) {
            value.kind = 'a';
            space();
            if (skip("]")) return value;
            do value.elements.push_back(read());
            while (space(), skip(","));
            expect("]");
        } else if (skip("{")) {
            value.kind = 'o';
            space();
            if (skip("}")) return value;
            do {
                space();
                std::string key = string();
                expect(":");
                if (!value.members.emplace(key, read()).second) fail("twice: " + key);
            } while (space(), skip(","));
            expect("}");
        } else {
            value.kind = 'd';
            value.text = number();
        }
        return value;
    }

    std::string number() {
        const std::string_view begin = rest_;
        const auto digits = [&] {
            std::size_t count = 0;
            for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; ++count)
                rest_.remove_prefix(1);
            if (count == 0) fail("expected a digit");
        };
        skip("-");
        if (!skip("0")) digits();
        if (skip(".")) digits();
        if (skip("e") || skip("E")) {
            if (!skip("+")) skip("-");
            digits();
        }
        return std::string(begin.substr(0, begin.size() - rest_.size()));
    }

    std::string string() {
        if (!skip("\"")) fail("expected a string");
        std::string text;
        for (char c = next(); c != '"'; c = next()) {
            if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a string");
            if (c != '\\') {
                text += c;
                continue;
            }
            const char escaped = next();
            constexpr std::string_view from = "\"\\/bfnrt";
            constexpr std::string_view to = "\"\\/\b\f\n\r\t";
            if (const auto at = from.find(escaped); at != from.npos)
                text += to[at];
            else if (escaped == 'u')
                text += four_digits();
            else
                fail("an unknown escape");
        }
        return text;
    }

    /// Reads the digits after \u. The library writes only control characters this way.
    char four_digits() {
        std::string digits;
        for (int i = 0; i < 4; ++i) digits += next();
        for (const char c : digits)
            if (!std::isxdigit(static_cast<unsigned char>(c))) fail("no hexadecimal digit");
        const long code = std::strtol(digits.c_str(), nullptr, 16);
        if (code > 0x7F) fail("unexpected \\u" + digits);
        return static_cast<char>(code);
    }

    std::string_view rest_;
};

inline Json read_json(std::string_view text) { return JsonReader(text).whole(); }

}  // namespace support

#endif

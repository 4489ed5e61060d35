#pragma once

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace docs {

inline std::string contents(const std::string& path) {
    std::ifstream in(path);
    if (!in) throw std::runtime_error(path + ": cannot be read");
    return {std::istreambuf_iterator<char>(in), {}};
}

/// A block of C++ and its output according to the page.
struct Code {
    int line = 0;  ///< of its first line in the page
    bool is_fragment = false;
    std::string text;
    std::optional<std::string> printed;
};

/// An error in a page, with the text "PAGE:LINE: what".
struct Mistake : std::runtime_error {
    Mistake(const std::string& page, int line, const std::string& what)
        : std::runtime_error(page + ':' + std::to_string(line) + ": " + what) {}
};

/// The blocks of C++ in a page of Markdown.
///
/// A block ```cpp is a program, ```cpp fragment the body of a function. A block ```text is the output of the block
/// before it; at most one line stands between them. Other blocks are ignored; ```c++ marks C++ that is not compiled.
class Page {
public:
    Page(std::string name, const std::string& path) : name_(std::move(name)), in_(contents(path)) {
        while (next_line()) {
            if (is_fence()) {
                read_block();
            } else if (line_.find_first_not_of(' ') != line_.npos) {
                ++lines_since_code_;
            }
        }
    }

    const std::string& name() const { return name_; }
    const std::vector<Code>& blocks() const { return blocks_; }

private:
    bool next_line() {
        if (at_ == in_.size()) return false;
        const std::size_t end = std::min(in_.find('\n', at_), in_.size());
        line_ = in_.substr(at_, end - at_);
        at_ = std::min(end + 1, in_.size());
        ++number_;
        return true;
    }

    bool is_fence() const {
        const std::size_t begin = line_.find_first_not_of(' ');
        return begin != line_.npos && line_.compare(begin, 3, "```") == 0;
    }

    void read_block() {
        const std::size_t indent = line_.find("```");
        const std::string kind = line_.substr(indent + 3);
        const int opened = number_;
        std::string text;
        for (;;) {
            if (!next_line()) throw Mistake(name_, opened, "the block has no end");
            if (is_fence()) break;
            text += line_.substr(std::min(indent, line_.find_first_not_of(' '))) + '\n';
        }
        const bool follows_code = lines_since_code_ <= 1;
        lines_since_code_ = 2;
        if (kind == "text") {
            if (!follows_code)
                throw Mistake(name_, opened, "```text follows no block of C++; write ``` alone");
            blocks_.back().printed = text;
        } else if (kind == "cpp" || kind == "cpp fragment") {
            blocks_.push_back({opened + 1, kind != "cpp", text, std::nullopt});
            lines_since_code_ = 0;
        } else if (kind.starts_with("cpp")) {
            throw Mistake(name_, opened,
                          "```" + kind + ": write ```cpp, ```cpp fragment or ```c++");
        }
    }

    std::string name_, in_, line_;
    std::size_t at_ = 0;
    int number_ = 0;
    int lines_since_code_ = 2;
    std::vector<Code> blocks_;
};

}  // namespace docs

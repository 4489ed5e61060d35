// check_links ROOT PAGE.md...: checks that every link to a file of the repository names an existing file, and an
// existing heading if it names one. Links to the web are not checked.

#include "page.hpp"

#include <cctype>
#include <filesystem>
#include <iostream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace {

namespace fs = std::filesystem;

/// Returns: the page without its blocks of code; an empty line replaces each of their lines.
std::string without_blocks(const std::string& page) {
    std::istringstream in(page);
    std::string text;
    bool is_code = false;
    for (std::string line; std::getline(in, line); text += '\n') {
        const std::size_t begin = line.find_first_not_of(' ');
        const bool is_fence = begin != line.npos && line.compare(begin, 3, "```") == 0;
        if (is_fence) is_code = !is_code;
        if (!is_fence && !is_code) text += line;
    }
    return text;
}

/// Returns: the anchor that GitHub gives to a heading.
std::string anchor_of(const std::string& heading) {
    std::string anchor;
    for (const char c : heading) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == ' ')
            anchor += '-';
        else if (std::isalnum(byte) || c == '-' || c == '_' || byte >= 0x80)
            anchor += static_cast<char>(std::tolower(byte));
    }
    return anchor;
}

std::set<std::string> anchors(const fs::path& page) {
    std::istringstream in(without_blocks(docs::contents(page.string())));
    std::set<std::string> all;
    for (std::string line; std::getline(in, line);)
        if (line.starts_with('#')) all.insert(anchor_of(line.substr(line.find_first_not_of("# "))));
    return all;
}

int dead_links(const fs::path& root, const std::string& page) {
    static const std::regex link(R"(\]\(([^)#\s]*)(?:#([^)\s]*))?\))"), code("`[^`]*`");
    std::istringstream in(without_blocks(docs::contents((root / page).string())));
    int dead = 0, number = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        line = std::regex_replace(line, code, "code");
        for (std::sregex_iterator at(line.begin(), line.end(), link), end; at != end; ++at) {
            const std::string target = (*at)[1], anchor = (*at)[2];
            if (target.find("://") != target.npos) continue;
            const fs::path file =
                target.empty() ? root / page : (root / page).parent_path() / target;
            if (fs::exists(file) && (anchor.empty() || anchors(file).contains(anchor))) continue;
            std::cerr << page << ':' << number << ": the link to " << target
                      << (anchor.empty() ? "" : "#") << anchor << " leads nowhere\n";
            ++dead;
        }
    }
    return dead;
}

}  // namespace

int main(int argc, char** argv) try {
    int dead = 0;
    for (int i = 2; i < argc; ++i) dead += dead_links(argv[1], argv[i]);
    return argc < 3 || dead != 0;
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}

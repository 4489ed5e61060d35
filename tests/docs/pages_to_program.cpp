// pages_to_program ROOT HEADERS.txt OUT.cpp PAGE.md...: writes the blocks of C++ in the pages as one translation unit.
//
// A program becomes a namespace with its main() as a function; a fragment becomes a function. The compiler reports
// errors with the line of the page.

#include "page.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

using docs::Code;
using docs::Mistake;
using docs::Page;

/// The headers that are included for every fragment.
const std::vector<std::string> usual_headers = {
    "algorithm", "atomic",      "chrono", "fstream",       "functional", "iostream",
    "map",       "memory",      "ranges", "set",           "sstream",    "stdexcept",
    "string",    "string_view", "thread", "unordered_map", "utility",    "vector"};

/// The headers that declare a name of namespace std, read from lines of `header: name name ...`.
class Names {
public:
    explicit Names(const std::string& path) {
        std::istringstream lines(docs::contents(path));
        for (std::string line; std::getline(lines, line);) {
            if (line.empty() || line[0] == '#') continue;
            std::istringstream names(line.substr(line.find(':') + 1));
            for (std::string name; names >> name;)
                headers_[name].insert(line.substr(0, line.find(':')));
        }
    }

    /// Errors: Mistake if the code uses a name without its header. Readers paste a program into a file of their own.
    void check(const std::string& page, int line, const std::string& code,
               const std::set<std::string>& included) const {
        static const std::regex name(R"(\bstd::(\w+)(?:::(\w+))?)");
        for (std::sregex_iterator at(code.begin(), code.end(), name), end; at != end; ++at) {
            auto found = headers_.find((*at)[1].str() + "::" + (*at)[2].str());
            if (found == headers_.end()) found = headers_.find((*at)[1]);
            if (found == headers_.end())
                throw Mistake(page, line, at->str() + " is not in headers.txt; add it there");
            const auto& any_of = found->second;
            if (!any_of.contains("always") && std::ranges::none_of(any_of, [&](const auto& header) {
                    return included.contains(header);
                }))
                throw Mistake(page, line,
                              at->str() + " without #include <" + *any_of.begin() + '>');
        }
    }

private:
    std::map<std::string, std::set<std::string>> headers_;
};

std::string without_comment(const std::string& line) { return line.substr(0, line.find("//")); }

class Program {
public:
    Program(const Names& names, std::ostream& out) : names_(&names), out_(&out) {}

    void add(const Page& page) {
        for (const Code& block : page.blocks()) {
            const std::string space = space_of(page.name(), block.line);
            body_ << "namespace " << space << " {\n";
            if (block.is_fragment)
                add_fragment(page.name(), block);
            else
                add_program(page.name(), block);
            body_ << "}\n";
            table_ << "    all.push_back({" << quoted(page.name()) << ", " << block.line << ", \""
                   << space << "\", &" << space << "::docs_run, "
                   << (block.printed ? quoted(*block.printed) : "nullptr") << "});\n";
        }
    }

    void finish() {
        *out_ << "#include <parallelpipe.hpp>\n#include \"block.hpp\"\n";
        for (const std::string& header : includes_) *out_ << "#include <" << header << ">\n";
        *out_ << body_.str() << "#line 1 \"table of blocks\"\n"
              << "static const bool listed = [] {\n    auto& all = docs::blocks();\n"
              << table_.str() << "    return true;\n}();\n";
    }

private:
    void add_fragment(const std::string& page, const Code& block) {
        includes_.insert(usual_headers.begin(), usual_headers.end());
        body_ << "using namespace parallelpipe;\n_Pragma(\"GCC diagnostic push\")\n"
              << "_Pragma(\"GCC diagnostic ignored \\\"-Wunused-variable\\\"\")\n"
              << "_Pragma(\"GCC diagnostic ignored \\\"-Wunused-but-set-variable\\\"\")\n"
              << "static int docs_run(int, char**) {\n"
              << line_of(page, block.line) << block.text
              << "return 0;\n}\n_Pragma(\"GCC diagnostic pop\")\n";
    }

    void add_program(const std::string& page, const Code& block) {
        std::istringstream lines(block.text);
        std::string code, checked;
        std::set<std::string> included;
        std::string first;
        bool takes_arguments = false, has_main = false;
        for (std::string line; std::getline(lines, line); code += line + '\n') {
            std::smatch match;
            if (std::regex_match(line, match, std::regex(R"(#include <([^>]+)>.*)"))) {
                if (first.empty()) first = match[1];
                included.insert(match[1]);
                line.clear();
            } else if (line.starts_with("int main(")) {
                has_main = true;
                takes_arguments = !line.starts_with("int main()");
                line.replace(0, 8, "int program");
            }
            checked += without_comment(line) + '\n';
        }
        const std::size_t end = code.rfind("\n}");
        if (first != "parallelpipe.hpp")
            throw Mistake(page, block.line, "a program begins with #include <parallelpipe.hpp>");
        if (!has_main || end == code.npos)
            throw Mistake(page, block.line,
                          "a program ends with int main() {...}; or write ```cpp fragment");
        names_->check(page, block.line, checked, included);
        includes_.insert(included.begin(), included.end());
        code.insert(end + 1, "return 0; ");  // only main() may omit it
        body_ << line_of(page, block.line) << code
              << "static int docs_run(int argc, char** argv) { return "
              << (takes_arguments ? "program(argc, argv)" : "(void(argc), void(argv), program())")
              << "; }\n";
    }

    /// Returns: a namespace such as `docs_tour_md_20`, unique among the blocks of all pages.
    static std::string space_of(const std::string& page, int line) {
        std::string space = page + '_' + std::to_string(line);
        std::ranges::replace_if(
            space, [](unsigned char c) { return !std::isalnum(c); }, '_');
        return space;
    }

    static std::string line_of(const std::string& page, int line) {
        return "#line " + std::to_string(line) + ' ' + quoted(page) + '\n';
    }

    static std::string quoted(const std::string& text) {
        std::string literal = "\"";
        for (const char c : text) {
            if (c == '"' || c == '\\') literal += '\\';
            literal += c == '\n' ? std::string("\\n") : std::string(1, c);
        }
        return literal + '"';
    }

    const Names* names_;
    std::ostream* out_;
    std::set<std::string> includes_;
    std::ostringstream body_, table_;
};

}  // namespace

int main(int argc, char** argv) try {
    if (argc < 5) {
        std::cerr << "usage: pages_to_program ROOT HEADERS.txt OUT.cpp PAGE.md...\n";
        return 2;
    }
    const Names names(argv[2]);
    std::ofstream out(argv[3]);
    Program program(names, out);
    for (const std::string& page : std::vector<std::string>(argv + 4, argv + argc))
        program.add(Page(page, std::string(argv[1]) + '/' + page));
    program.finish();
    return out.flush() ? 0 : 1;
} catch (const std::exception& mistake) {
    std::cerr << mistake.what() << '\n';
    return 1;
}

#ifndef PARALLELPIPE_BENCHMARKS_JSON_HPP
#define PARALLELPIPE_BENCHMARKS_JSON_HPP

#include <cmath>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

/// Writes values as JSON text; covers only the types that benchmark figures need.
namespace bench::json {

inline std::string text(const std::string& value) {
    std::string quoted = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
    return quoted + '"';
}

inline std::string number(double value) {
    if (!std::isfinite(value)) return "null";
    std::ostringstream out;
    out.precision(7);
    out << value;
    return out.str();
}

inline std::string array(const std::vector<std::string>& values) {
    std::string all = "[";
    for (const std::string& value : values) all += (all.size() > 1 ? ", " : "") + value;
    return all + ']';
}

inline std::string numbers(const std::vector<double>& values) {
    std::vector<std::string> all;
    for (const double value : values) all.push_back(number(value));
    return array(all);
}

inline std::string object(const std::vector<std::pair<std::string, std::string>>& members) {
    std::string all = "{";
    for (const auto& [name, value] : members)
        all += (all.size() > 1 ? ", " : "") + text(name) + ": " + value;
    return all + '}';
}

}  // namespace bench::json

#endif

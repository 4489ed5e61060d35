#ifndef PARALLELPIPE_EXAMPLES_DOWNLOAD_HPP
#define PARALLELPIPE_EXAMPLES_DOWNLOAD_HPP

// Downloads a web page; an error names the reason.

#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>

inline std::string why(httplib::Error error) {
    switch (error) {
        case httplib::Error::Connection:
            return "no connection";
        case httplib::Error::ConnectionTimeout:
            return "no connection in time";
        case httplib::Error::Read:
            return "no answer in time, or a broken one";
        case httplib::Error::SSLServerVerification:
            return "its certificate cannot be verified";
        case httplib::Error::ExceedRedirectCount:
            return "too many redirections";
        default:
            return "error of the HTTP client: " + httplib::to_string(error);
    }
}

/// Returns: the HTML at a URL.
/// Errors: std::exception with the reason.
inline std::string download(const std::string& url, std::chrono::seconds timeout) {
    constexpr std::size_t largest = 16'000'000;
    if (!url.starts_with("http://") && !url.starts_with("https://"))
        throw std::runtime_error("not a http URL");
#ifndef CPPHTTPLIB_OPENSSL_SUPPORT
    if (url.starts_with("https:"))
        throw std::runtime_error(
            "https needs cpp-httplib with OpenSSL; this program is built without");
#endif
    const std::size_t path_begin =
        std::min(url.find_first_of("/?#", url.find("://") + 3), url.size());
    const std::string site = url.substr(0, path_begin);
    std::string path = url.substr(path_begin, url.find('#') - path_begin);
    if (!path.starts_with('/')) path.insert(0, "/");

    std::optional<httplib::Client> connection;
    try {
        connection.emplace(site);
    } catch (const std::exception&) {
        throw std::runtime_error("invalid host or port");
    }
    httplib::Client& client = *connection;
    client.set_connection_timeout(timeout);
    client.set_read_timeout(timeout);
    client.set_write_timeout(timeout);
    client.set_follow_location(true);

    std::string html, problem;
    const auto deadline = std::chrono::steady_clock::now() + 10 * timeout;
    const auto result = client.Get(
        path,
        [&](const httplib::Response& response) {
            const std::string type = response.get_header_value("Content-Type");
            if (response.status != 200)
                problem = "HTTP status " + std::to_string(response.status);
            else if (!type.starts_with("text/html") && !type.starts_with("application/xhtml"))
                problem = type.empty() ? "does not say that it is HTML" : "not HTML but " + type;
            return problem.empty();
        },
        [&](const char* data, std::size_t size) {
            html.append(data, size);
            if (html.size() > largest) problem = "too large";
            if (std::chrono::steady_clock::now() > deadline) problem = "too slow";
            return problem.empty();
        });
    if (problem.empty() && !result) problem = why(result.error());
    if (!problem.empty()) throw std::runtime_error(problem);
    return html;
}

#endif

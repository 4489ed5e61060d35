#ifndef PARALLELPIPE_EXAMPLES_LOCAL_SITE_HPP
#define PARALLELPIPE_EXAMPLES_LOCAL_SITE_HPP

// A small web site on this machine, from which 02_titles fetches pages if it is given no URLs.

#include <httplib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <latch>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

/// Serves HTML pages on a free port of the loopback interface until it is destroyed.
class LocalSite {
public:
    /// The site has at most `limit` pages of the machine's documentation; generated pages if fewer than
    /// a tenth of `limit` exist.
    static constexpr std::size_t limit = 200;

    explicit LocalSite(bool generated) {
        if (!generated) serve_documentation();
        if (urls_.size() < limit / 10) serve_generated_pages();

        port_ = server_.bind_to_any_port("127.0.0.1");
        if (port_ < 0) throw std::runtime_error("cannot open a port on 127.0.0.1");
        for (std::string& url : urls_) url.insert(0, address());
        add_trouble();

        thread_ = std::jthread([this] { server_.listen_after_bind(); });
        while (!server_.is_running())
            std::this_thread::yield();  // stop() has no effect before the server runs
    }
    LocalSite(const LocalSite&) = delete;
    LocalSite& operator=(const LocalSite&) = delete;
    ~LocalSite() {
        over_.count_down();
        server_.stop();
    }

    std::string address() const { return "http://127.0.0.1:" + std::to_string(port_); }
    const std::string& what() const { return what_; }
    const std::vector<std::string>& urls() const { return urls_; }

private:
    void serve_documentation() {
        namespace fs = std::filesystem;
        const fs::path root = "/usr/share/doc";
        std::error_code error;
        fs::recursive_directory_iterator entry(root, fs::directory_options::skip_permission_denied,
                                               error);
        for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
            std::error_code unknown;
            if (entry->path().extension() == ".html" && entry->is_regular_file(unknown))
                urls_.push_back('/' + entry->path().lexically_relative(root).generic_string());
        }
        std::ranges::sort(urls_);
        if (urls_.size() > limit) urls_.resize(limit);
        what_ = "the HTML documentation in " + root.string();
        server_.set_mount_point("/", root.string());
    }

    void serve_generated_pages() {
        urls_.clear();
        what_ = "generated pages";
        for (int page = 0; page < 60; ++page)
            urls_.push_back("/pages/" + std::to_string(page) + ".html");
        server_.Get(R"(/pages/(\d+)\.html)", [](const httplib::Request& request,
                                                httplib::Response& response) {
            constexpr std::array<std::string_view, 4> subjects = {"Pipelines", "Channels",
                                                                  "Workers", "Generators"};
            constexpr std::array<std::string_view, 3> kinds = {"tutorial", "reference", "examples"};
            const std::size_t page = std::stoul(request.matches[1]);
            std::string html = "<!doctype html>\n<html><head>";
            if (page % 10 != 9) {  // every tenth page has no title
                html += "<TITLE lang=\"en\">";
                html += subjects[page % subjects.size()];
                html += " &mdash; more:\n ";
                html += kinds[page % kinds.size()];
                html += "</TITLE>";
            }
            html += "</head><body>Page " + std::to_string(page) + "</body></html>\n";
            response.set_content(html, "text/html; charset=utf-8");
        });
    }

    /// Adds URLs that are invalid, dead, too slow, or not HTML.
    void add_trouble() {
        server_.Get("/trouble/logo.png", [](const httplib::Request&, httplib::Response& response) {
            response.set_content("\x89PNG", "image/png");
        });
        server_.Get("/trouble/slow.html", [this](const httplib::Request&, httplib::Response&) {
            over_.wait();  // until the site is destroyed: longer than any timeout
        });
        server_.Get("/trouble/moved.html",
                    [](const httplib::Request&, httplib::Response& response) {
                        response.set_redirect("/trouble/gone.html");
                    });
        const std::vector<std::string> trouble = {
            address() + "/trouble/slow.html",  address() + "/trouble/gone.html",
            address() + "/trouble/moved.html", address() + "/trouble/logo.png",
            "http://127.0.0.1:1/refused.html", "no-url-at-all"};
        urls_.insert(urls_.begin() + 3, trouble.begin(), trouble.end());
    }

    std::vector<std::string> urls_;
    std::string what_;
    int port_ = 0;
    std::latch over_{1};
    httplib::Server server_;
    std::jthread thread_;  // declared last, because it uses the members above
};

#endif

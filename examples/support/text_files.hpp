#ifndef PARALLELPIPE_EXAMPLES_TEXT_FILES_HPP
#define PARALLELPIPE_EXAMPLES_TEXT_FILES_HPP

// Finds the files below folders and reads their text.

#include <parallelpipe.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

/// Counts of the files read so far, and the files and folders that could not be read.
struct Reading {
    std::size_t files = 0;
    std::size_t bytes = 0;
    std::size_t binary_files = 0;
    std::vector<std::string> problems;
};

/// Yields the files below the roots; adds a problem for each path that cannot be read.
inline parallelpipe::generator<std::filesystem::path> files_below(
    const std::vector<std::string>& roots, Reading& reading) {
    namespace fs = std::filesystem;
    const auto problem = [&](const fs::path& path, const std::error_code& error) {
        reading.problems.push_back(path.string() + ": " + error.message());
    };
    for (const fs::path root : roots) {
        std::error_code error;
        const fs::file_type type = fs::status(root, error).type();
        if (type != fs::file_type::directory) {
            if (error)
                problem(root, error);
            else
                co_yield root;
            continue;
        }
        std::vector<fs::path> directories = {root};
        while (!directories.empty()) {
            const fs::path directory = std::move(directories.back());
            directories.pop_back();
            fs::directory_iterator entry(directory, error);
            for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
                std::error_code unknown;  // of one entry, such as a dangling link; ignored
                if (entry->is_directory(unknown) && !entry->is_symlink(unknown))
                    directories.push_back(entry->path());
                else if (entry->is_regular_file(unknown))
                    co_yield entry->path();
            }
            if (error) problem(directory, error);
        }
    }
}

/// Yields the text of a file in blocks of about 64 KiB of whole lines; nothing for a binary file.
inline parallelpipe::generator<std::string> blocks_of(std::filesystem::path path,
                                                      Reading& reading) {
    constexpr std::size_t block_size = 64 * 1024;
    std::ifstream file(path, std::ios::binary);
    std::string block;
    bool binary = false;
    for (bool first = true; file && !binary; first = false) {
        const std::size_t carried = block.size();  // the start of a line, from the last block
        block.resize(carried + block_size);
        file.read(block.data() + carried, block_size);
        block.resize(carried + static_cast<std::size_t>(file.gcount()));
        binary = first && block.find('\0') != block.npos;
        const std::size_t line_end = block.rfind('\n');
        if (binary || !file || line_end == block.npos) continue;
        std::string rest = block.substr(line_end + 1);
        block.resize(line_end + 1);
        reading.bytes += block.size();
        co_yield std::move(block);
        block = std::move(rest);
    }
    if (!file.is_open() || file.bad()) {
        reading.problems.push_back(path.string() + ": cannot be read");
    } else if (binary) {
        ++reading.binary_files;
    } else {
        ++reading.files;
        reading.bytes += block.size();
        if (!block.empty()) co_yield std::move(block);
    }
}

#endif

// Makes small copies of the images of a folder and prints an index of them.
//
//     06_thumbs [--workers N] [FOLDER [OUT]]
//
// N workers read and shrink the images, N other workers write them. Both stages are ordered, so
// numbers and lines keep the order of the file names. A file that is not an image goes to the
// dead-letter handler, which prints the reason; the run continues. Without a folder the program
// creates sample images.

#include <parallelpipe.hpp>

#include "support/command_line.hpp"
#include "support/image.hpp"
#include "support/sample_images.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace parallelpipe;
namespace fs = std::filesystem;

struct Thumbnail {
    fs::path file;  // of the image
    Image image;
};

generator<fs::path> files_in(fs::path folder) {
    std::vector<fs::path> files;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder))
        if (entry.is_regular_file()) files.push_back(entry.path());
    std::ranges::sort(files);
    for (fs::path& file : files) co_yield std::move(file);
}

Thumbnail shrink(const fs::path& file) { return {file, Image::read(file).shrunk_to(160)}; }

void left_out(std::exception_ptr error, const fs::path& file) {
    say_left_out(file.filename().string(), error);
}

/// Writes the thumbnail. Returns: the line for the index.
std::string save(const std::pair<std::size_t, Thumbnail>& numbered, const fs::path& out) {
    const auto& [index, thumbnail] = numbered;
    std::string number = std::to_string(index + 1);
    number.insert(0, 4 - std::min<std::size_t>(4, number.size()), '0');
    const fs::path to = out / (number + '_' + thumbnail.file.stem().string() + ".png");
    thumbnail.image.write_png(to);
    return number + ' ' + thumbnail.file.filename().string() + ' ' +
           std::to_string(thumbnail.image.width()) + 'x' +
           std::to_string(thumbnail.image.height()) + " -> " + to.generic_string();
}

constexpr const char* usage =
    "usage: 06_thumbs [--workers N] [FOLDER [OUT]]\n"
    "Writes thumbnails of the images in FOLDER to OUT (default: FOLDER/thumbs).\n"
    "  --workers N  read and write with N threads each (default: as many as there are cores)\n";

int thumbs(CommandLine line) {
    const std::size_t workers = line.workers();
    const auto names = line.names(2);
    const fs::path folder = names.empty() ? make_sample_images() : fs::path(names[0]);
    const fs::path out = names.size() == 2 ? fs::path(names[1]) : folder / "thumbs";

    if (!fs::is_directory(folder)) throw std::runtime_error(folder.string() + ": is not a folder");
    fs::create_directories(out);

    const auto pipeline =
        stage({.name = "files"}, files_in)(folder) |
        map_stage({.workers = workers, .qsize = 4 * workers, .ordered = true, .name = "shrink"},
                  shrink)
            .dead_letter(left_out) |
        enumerate({.qsize = workers, .name = "number"}) |
        map_stage({.workers = workers, .ordered = true, .name = "save"}, save)(out);
    std::cout << pipeline << "\n\n" << std::flush;

    std::size_t count = 0;
    auto results = pipeline.results();
    for (const std::string& index_line : results) {
        std::cout << index_line << '\n';
        ++count;
    }
    const std::size_t failed = results.stats().stages[1].skipped;
    std::cout << "\nthumbnails: " << count << ", files left out: " << failed << '\n';
    return count != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char** argv) { return run_program(argc, argv, usage, thumbs); }

#ifndef PARALLELPIPE_EXAMPLES_SAMPLE_IMAGES_HPP
#define PARALLELPIPE_EXAMPLES_SAMPLE_IMAGES_HPP

// Creates sample images for 06_thumbs.

#include "image.hpp"

#include <array>
#include <cstddef>
#include <filesystem>
#include <random>
#include <string>

/// Creates a dozen images in a new folder below the one for temporary files; one image is truncated.
/// Returns: the folder.
inline std::filesystem::path make_sample_images() {
    namespace fs = std::filesystem;
    struct Size {
        int width, height;
    };
    constexpr std::array<Size, 4> sizes = {{{320, 240}, {240, 320}, {400, 100}, {90, 60}}};
    const auto part = [](int value, int of) {
        return static_cast<unsigned char>(255 * value / of);
    };

    const fs::path folder = fs::temp_directory_path() /
                            ("parallelpipe_images_" + std::to_string(std::random_device()()));
    fs::create_directories(folder);
    for (int number = 0; number < 12; ++number) {
        const auto [width, height] = sizes[static_cast<std::size_t>(number) % sizes.size()];
        Image image(width, height);
        for (int y = 0; y < height; ++y) {
            for (int x = 0; x < width; ++x) {
                unsigned char* const pixel = image.pixel(x, y);
                pixel[0] = part(x, width);
                pixel[1] = part(y, height);
                pixel[2] = part(number, 12);
                pixel[3] = 255;
            }
        }
        const std::string letter(1, static_cast<char>('a' + number));
        const fs::path path = folder / ("sample_" + letter + ".png");
        image.write_png(path);
        if (number == 6) fs::resize_file(path, fs::file_size(path) / 2);
    }
    return folder;
}

#endif

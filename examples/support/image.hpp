#ifndef PARALLELPIPE_EXAMPLES_IMAGE_HPP
#define PARALLELPIPE_EXAMPLES_IMAGE_HPP

// A class for images. It uses the three headers of stb, which have no dependencies of their own.

#define STB_IMAGE_IMPLEMENTATION
#define STBI_FAILURE_USERMSG  // readable messages
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#include <stb_image.h>
#include <stb_image_write.h>
#if __has_include(<stb_image_resize2.h>)
#include <stb_image_resize2.h>
#else
#include <stb_image_resize.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

/// An image: red, green, blue and opacity of each pixel, row by row.
class Image {
public:
    using Bytes = std::vector<unsigned char>;

    Image(int width, int height)
        : width_(width), height_(height), pixels_(4 * area(width, height)) {}

    /// Errors: std::exception with the reason.
    static Image read(const std::filesystem::path& path) {
        int width = 0, height = 0, channels = 0;
        const std::unique_ptr<unsigned char, void (*)(void*)> pixels(
            stbi_load(path.string().c_str(), &width, &height, &channels, 4), stbi_image_free);
        if (!pixels) throw std::runtime_error(stbi_failure_reason());
        Image image(width, height);
        std::copy_n(pixels.get(), image.pixels_.size(), image.pixels_.begin());
        return image;
    }

    /// Returns: a copy that fits into a square of `side` pixels; never larger than the image.
    Image shrunk_to(int side) const {
        const double scale = std::min(1.0, static_cast<double>(side) / std::max(width_, height_));
        const auto scaled = [scale](int length) {
            return std::max(1, static_cast<int>(length * scale + 0.5));
        };
        Image small(scaled(width_), scaled(height_));
#if __has_include(<stb_image_resize2.h>)
        const bool done =
            stbir_resize_uint8_srgb(pixels_.data(), width_, height_, 0, small.pixels_.data(),
                                    small.width_, small.height_, 0, STBIR_RGBA) != nullptr;
#else
        const bool done =
            stbir_resize_uint8_srgb(pixels_.data(), width_, height_, 0, small.pixels_.data(),
                                    small.width_, small.height_, 0, 4, 3, 0) != 0;
#endif
        if (!done) throw std::bad_alloc();
        return small;
    }

    /// Errors: `std::system_error`.
    void write_png(const std::filesystem::path& path) const {
        std::ofstream file(path, std::ios::binary);
        const auto write = [](void* to, void* data, int size) {
            static_cast<std::ofstream*>(to)->write(static_cast<char*>(data), size);
        };
        const bool done =
            stbi_write_png_to_func(write, &file, width_, height_, 4, pixels_.data(), 0) != 0;
        if (!done) throw std::bad_alloc();
        if (!file.flush())
            throw std::system_error(errno, std::generic_category(),
                                    "cannot write " + path.string());
    }

    int width() const { return width_; }
    int height() const { return height_; }
    unsigned char* pixel(int x, int y) { return &pixels_[4 * (area(width_, y) + area(x, 1))]; }

private:
    static std::size_t area(int width, int height) {
        return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
    }

    int width_;
    int height_;
    Bytes pixels_;
};

#endif

#ifndef PARALLELPIPE_EXAMPLES_FILE_HPP
#define PARALLELPIPE_EXAMPLES_FILE_HPP

// Reads and writes the bytes of a file or a standard stream; errors name the reason.

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <string>
#include <system_error>
#include <vector>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

using Bytes = std::vector<unsigned char>;

/// Errors: `std::system_error`.
class File {
public:
    /// Opens the file; for the path `-`, uses the stream `standard`.
    File(const std::string& path, const char* mode, std::FILE* standard)
        : file_(path == "-" ? standard : std::fopen(path.c_str(), mode)), is_ours_(path != "-") {
        if (!file_) fail(path);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (is_ours_) std::fclose(file_);
    }

    /// The next `size` bytes, or fewer at the end.
    Bytes read(std::size_t size) {
        Bytes bytes(size);
        bytes.resize(std::fread(bytes.data(), 1, size, file_));
        if (std::ferror(file_)) fail("cannot read");
        return bytes;
    }

    void write(const Bytes& bytes) {
        if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) fail("cannot write");
    }

    /// Writes buffered bytes to the file.
    void flush() {
        if (std::fflush(file_) != 0) fail("cannot write");
    }

    bool is_tty() const {
#if __has_include(<unistd.h>)
        return isatty(fileno(file_)) != 0;
#else
        return false;
#endif
    }

private:
    [[noreturn]] static void fail(const std::string& what) {
        throw std::system_error(errno, std::generic_category(), what);
    }

    std::FILE* file_;
    bool is_ours_;
};

#endif

// Compresses a file or the standard input with all cores: one gzip stream that any gunzip reads.
//
//     04_pgzip [--workers N] [-o FILE] [FILE]
//
// One worker reads blocks of 128 KiB, N workers compress them, main writes them in order. Each block
// is compressed with the 32 KiB before it as dictionary, so that hardly anything is lost by the
// cutting, and ends at a byte boundary, so that the compressed blocks can simply be put one after the
// other. What comes out depends on the input alone, not on the number of workers or their timing.

#include <parallelpipe.hpp>

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

using namespace parallelpipe;
namespace fs = std::filesystem;

using Bytes = std::vector<unsigned char>;

constexpr std::size_t block_size = 128 * 1024;
constexpr std::size_t dictionary_size = 32 * 1024;  // as far back as deflate can look

struct Block {
    std::size_t number;
    Bytes data;
    Bytes dictionary;
};

struct Piece {
    std::size_t number;
    Bytes compressed;
    uLong crc;         // of the data before it was compressed
    std::size_t size;  // of the same
};

// ---- files ----------------------------------------------------------------------------------

struct Close {
    void operator()(std::FILE* file) const {
        if (file != stdin && file != stdout) std::fclose(file);
    }
};
using File = std::unique_ptr<std::FILE, Close>;

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

File open_file(const std::string& path, const char* mode, std::FILE* standard) {
    if (path == "-") return File(standard);
    File file(std::fopen(path.c_str(), mode));
    if (!file) fail(path);
    return file;
}

void write_all(std::FILE* file, const Bytes& bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size()) fail("cannot write");
}

bool is_terminal([[maybe_unused]] std::FILE* file) {
#if __has_include(<unistd.h>)
    return isatty(fileno(file)) != 0;
#else
    return false;
#endif
}

// ---- the stages -----------------------------------------------------------------------------

/// How many blocks may be between reading and writing. The queues alone do not bound that: while one
/// block takes long, all that come after it pile up with the one who writes in order.
class Window {
public:
    explicit Window(std::size_t blocks) : free_(blocks) {}

    /// Returns: false if the run was stopped meanwhile.
    bool enter(std::stop_token stop) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait(lock, std::move(stop), [&] { return free_ != 0; })) return false;
        --free_;
        return true;
    }

    void leave() {
        const std::lock_guard lock(mutex_);
        ++free_;
        changed_.notify_one();
    }

private:
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::size_t free_;
};

generator<Block> read_blocks(std::FILE* file, Window& window) {
    Bytes dictionary;
    for (std::size_t number = 0; window.enter(this_worker::stop_token()); ++number) {
        Block block{number, Bytes(block_size), std::move(dictionary)};
        block.data.resize(std::fread(block.data.data(), 1, block_size, file));
        if (std::ferror(file)) fail("cannot read");
        if (block.data.empty()) co_return;
        const std::size_t tail = std::min(block.data.size(), dictionary_size);
        dictionary.assign(block.data.end() - static_cast<std::ptrdiff_t>(tail), block.data.end());
        co_yield std::move(block);
    }
}

/// zlib's compressor without a header and a trailer. One is good for many blocks.
class Deflater {
public:
    Deflater() {
        constexpr int raw = -15, memory = 8;
        if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, raw, memory,
                         Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::bad_alloc();
    }
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;
    ~Deflater() { deflateEnd(&stream_); }

    Bytes compress(Bytes& data, const Bytes& dictionary) {
        deflateReset(&stream_);
        if (!dictionary.empty())
            deflateSetDictionary(&stream_, dictionary.data(), static_cast<uInt>(dictionary.size()));
        stream_.next_in = data.data();
        stream_.avail_in = static_cast<uInt>(data.size());
        Bytes out(deflateBound(&stream_, static_cast<uLong>(data.size())) + 16);
        std::size_t used = 0;
        for (;;) {
            stream_.next_out = out.data() + used;
            stream_.avail_out = static_cast<uInt>(out.size() - used);
            // The flush ends the block at a byte boundary.
            const int result = deflate(&stream_, Z_SYNC_FLUSH);
            if (result != Z_OK && result != Z_BUF_ERROR)
                throw std::runtime_error("zlib: error " + std::to_string(result));
            used = out.size() - stream_.avail_out;
            if (stream_.avail_out != 0) break;
            out.resize(2 * out.size());
        }
        out.resize(used);
        return out;
    }

private:
    z_stream stream_{};
};

generator<Piece> compress_blocks(Input<Block> blocks) {
    Deflater deflater;
    for (Block& block : blocks) {
        const uLong crc = crc32(0, block.data.data(), static_cast<uInt>(block.data.size()));
        // Named, because g++ 12 destroys the members of `co_yield Piece{...}` twice.
        Piece piece{block.number, deflater.compress(block.data, block.dictionary), crc,
                    block.data.size()};
        co_yield std::move(piece);
    }
}

// ---- the whole ------------------------------------------------------------------------------

struct Sizes {
    std::uintmax_t in = 0;
    std::uintmax_t out = 0;
};

Sizes gzip(std::FILE* from, std::FILE* to, std::size_t workers) {
    Window window(4 * workers);
    const auto pipeline =
        stage({.qsize = workers, .name = "read_blocks"}, read_blocks)(from, std::ref(window)) |
        stage({.workers = workers, .qsize = workers, .name = "compress"}, compress_blocks);

    Sizes sizes;
    const auto put = [&](const Bytes& bytes) {
        write_all(to, bytes);
        sizes.out += bytes.size();
    };
    put({0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255});  // deflate, no name, no time, made anywhere

    uLong crc = crc32(0, nullptr, 0);
    std::size_t next = 0;
    std::map<std::size_t, Piece> early;  // they arrive as they are ready, so some before their turn
    for (Piece& arrived : pipeline.results()) {
        early.emplace(arrived.number, std::move(arrived));
        while (!early.empty() && early.begin()->first == next) {
            const Piece piece = std::move(early.extract(early.begin()).mapped());
            put(piece.compressed);
            crc = crc32_combine(crc, piece.crc, static_cast<z_off_t>(piece.size));
            sizes.in += piece.size;
            ++next;
            window.leave();
        }
    }

    Bytes end = {0x03, 0x00};  // an empty last block, then crc and size, lowest byte first
    for (const std::uintmax_t number : {std::uintmax_t{crc}, sizes.in})
        for (int shift = 0; shift < 32; shift += 8)
            end.push_back(static_cast<unsigned char>(number >> shift & 0xff));
    put(end);
    if (std::fflush(to) != 0) fail("cannot write");
    return sizes;
}

int usage() {
    std::cerr << "usage: 04_pgzip [--workers N] [-o FILE] [FILE]\n"
                 "Compresses FILE, or the standard input, to the standard output.\n"
                 "  --workers N  compress with N threads (default: as many as there are cores)\n"
                 "  -o FILE      write to FILE and print how it went\n";
    return 2;
}

int main(int argc, char** argv) try {
    std::size_t workers = std::max(1u, std::thread::hardware_concurrency());
    std::string from = "-", to = "-";
    bool has_input = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "-o" && i + 1 < argc) {
            to = argv[++i];
        } else if (argument == "--workers" && i + 1 < argc) {
            const std::string_view number = argv[++i];
            const auto end = number.data() + number.size();
            const auto [last, error] = std::from_chars(number.data(), end, workers);
            if (error != std::errc() || last != end || workers == 0) return usage();
        } else if ((argument.starts_with('-') && argument != "-") || has_input) {
            return usage();
        } else {
            from = argument;
            has_input = true;
        }
    }

    const File in = open_file(from, "rb", stdin);
    std::error_code unknown;
    if (fs::equivalent(from, to, unknown)) throw std::runtime_error(to + ": is the input as well");
    const File out = open_file(to, "wb", stdout);
    if (is_terminal(out.get()))
        throw std::runtime_error("not to a terminal; write -o FILE, or pipe it on");

    const auto start = std::chrono::steady_clock::now();
    Sizes sizes;
    try {
        sizes = gzip(in.get(), out.get(), workers);
    } catch (...) {
        // Half a file is none. What is not a file, a device for instance, stays.
        if (to != "-" && fs::is_regular_file(to, unknown)) fs::remove(to, unknown);
        throw;
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    if (to != "-") {
        const auto megabytes = static_cast<double>(sizes.in) / 1e6;
        std::printf("%s: %ju -> %ju bytes (%.1f%%) in %.2f s, %.0f MB/s, workers: %zu\n",
                    to.c_str(), sizes.in, sizes.out,
                    100.0 * static_cast<double>(sizes.out) /
                        static_cast<double>(std::max<std::uintmax_t>(1, sizes.in)),
                    time.count(), megabytes / time.count(), workers);
    }
    return EXIT_SUCCESS;
} catch (const TaskException& error) {
    try {
        error.rethrow_cause();  // the user wants to know what happened, not in which thread
    } catch (const std::exception& cause) {
        std::cerr << "04_pgzip: " << cause.what() << '\n';
    }
    return EXIT_FAILURE;
} catch (const std::exception& error) {
    std::cerr << "04_pgzip: " << error.what() << '\n';
    return EXIT_FAILURE;
}

// Compresses a file or the standard input with all cores: one gzip stream that any gunzip reads.
//
//     04_pgzip [--workers N] [-o FILE] [FILE]
//
// One worker reads blocks of 128 KiB, N workers compress them, one writes them in order. A worker
// compresses a block with the preceding 32 KiB as dictionary, so the division into blocks hardly
// changes the compressed size. Each compressed block ends at a byte boundary, so the blocks can be
// joined. The output depends on the input alone, not on the number of workers or their timing.

#include <parallelpipe.hpp>

#include "support/command_line.hpp"
#include "support/file.hpp"

#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

using namespace parallelpipe;
namespace fs = std::filesystem;

constexpr std::size_t block_size = 128 * 1024;
constexpr std::size_t dictionary_size = 32 * 1024;  // the window of deflate

struct Block {
    Bytes data;
    Bytes dictionary;
};

struct Piece {
    Bytes compressed;
    std::size_t size;  // of the uncompressed data
    uLong crc;         // of the uncompressed data
};

struct Sizes {
    std::uintmax_t in = 0;
    std::uintmax_t out = 0;
};

// ---- the stages -----------------------------------------------------------------------------

generator<Block> read_blocks(File& file) {
    Bytes dictionary;
    for (;;) {
        Block block{file.read(block_size), std::move(dictionary)};
        if (block.data.empty()) co_return;
        const std::size_t tail = std::min(block.data.size(), dictionary_size);
        dictionary.assign(block.data.end() - static_cast<std::ptrdiff_t>(tail), block.data.end());
        co_yield std::move(block);
    }
}

/// zlib's compressor without header and trailer, reused for many blocks.
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
    Deflater deflater;  // one for each worker
    for (Block& block : blocks) {
        const uLong crc = crc32(0, block.data.data(), static_cast<uInt>(block.data.size()));
        // A named object, because g++ 12 destroys the members of `co_yield Piece{...}` twice.
        Piece piece{deflater.compress(block.data, block.dictionary), block.data.size(), crc};
        co_yield std::move(piece);
    }
}

/// Writes the gzip stream; yields the sizes once, at the end.
generator<Sizes> write_gzip(Input<Piece> pieces, File& file) {
    Sizes sizes;
    const auto put = [&](const Bytes& bytes) {
        file.write(bytes);
        sizes.out += bytes.size();
    };
    put({0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255});  // deflate, no name, no time, made anywhere
    uLong crc = crc32(0, nullptr, 0);
    for (const Piece& piece : pieces) {
        put(piece.compressed);
        crc = crc32_combine(crc, piece.crc, static_cast<z_off_t>(piece.size));
        sizes.in += piece.size;
    }
    Bytes end = {0x03, 0x00};  // an empty last block, then crc and size, lowest byte first
    for (const std::uintmax_t number : {std::uintmax_t{crc}, sizes.in})
        for (int shift = 0; shift < 32; shift += 8)
            end.push_back(static_cast<unsigned char>(number >> shift & 0xff));
    put(end);
    file.flush();
    co_yield sizes;
}

// ---- the program ----------------------------------------------------------------------------

constexpr const char* usage =
    "usage: 04_pgzip [--workers N] [-o FILE] [FILE]\n"
    "Compresses FILE, or the standard input, to the standard output.\n"
    "  --workers N  compress with N threads (default: as many as there are cores)\n"
    "  -o FILE      write to FILE and print sizes and time\n";

int pgzip(CommandLine line) {
    const std::size_t workers = line.workers();
    const std::string to = line.value("-o").value_or("-");
    const auto names = line.names(1);
    const std::string from = names.empty() ? "-" : names[0];

    File in(from, "rb", stdin);
    std::error_code unknown;
    if (fs::equivalent(from, to, unknown)) throw std::runtime_error(to + ": is also the input");
    File out(to, "wb", stdout);
    if (out.is_tty())
        throw std::runtime_error("will not write to a terminal; use -o FILE or a pipe");

    const auto pipeline =
        stage({.qsize = workers, .name = "read"}, read_blocks)(std::ref(in)) |
        stage({.workers = workers, .qsize = 4 * workers, .ordered = true, .name = "compress"},
              compress_blocks) |
        stage({.name = "write"}, write_gzip)(std::ref(out));

    const auto start = std::chrono::steady_clock::now();
    Sizes sizes;
    try {
        sizes = pipeline.execute();
    } catch (...) {
        // Removes the incomplete output if it is a regular file; a device stays.
        if (to != "-" && fs::is_regular_file(to, unknown)) fs::remove(to, unknown);
        throw;
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    const auto before = static_cast<double>(sizes.in), after = static_cast<double>(sizes.out);
    if (to != "-")
        std::printf("%s: %ju -> %ju bytes (%.1f%%) in %.2f s, %.0f MB/s, workers: %zu\n",
                    to.c_str(), sizes.in, sizes.out, 100 * after / std::max(1.0, before),
                    time.count(), before / 1e6 / time.count(), workers);
    return EXIT_SUCCESS;
}

int main(int argc, char** argv) { return run_program(argc, argv, usage, pgzip); }

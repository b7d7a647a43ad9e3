// XXH64: the one hash of the project, for tokens and for checksums.
//
// Algorithm: Yann Collet's xxHash, specification "XXH64" (doc/xxhash_spec.md of the xxHash project). Written from that
// text; the tests hold it against the `xxhash` package.
#pragma once

#include <cstddef>
#include <cstdint>

namespace glovestore {

// The XXH64 of `size` bytes. Total for any input; never throws, never allocates.
std::uint64_t xxh64(const void* data, std::size_t size, std::uint64_t seed) noexcept;

// XXH64 of bytes that arrive in pieces: any split gives the value that xxh64() gives for the whole.
class Xxh64Stream {
public:
    explicit Xxh64Stream(std::uint64_t seed = 0) noexcept { reset(seed); }
    void reset(std::uint64_t seed = 0) noexcept;
    void update(const void* data, std::size_t size) noexcept;
    std::uint64_t digest() const noexcept;

private:
    std::uint64_t lanes_[4];
    std::uint64_t total_;
    std::uint64_t seed_;
    unsigned char pending_[32];  // the first total_ % 32 bytes are input not yet mixed in
};

// The digest of a source text: XXH64 over the little-endian XXH64 of each 1 MiB piece. Pieces, so that several cores
// can hash one file and still agree with one core that reads a pipe.
class SourceDigest {
public:
    static constexpr std::size_t piece_size = std::size_t{1} << 20;
    void update(const void* data, std::size_t size) noexcept;
    std::uint64_t digest() const noexcept;
    std::uint64_t bytes() const noexcept { return bytes_; }

private:
    Xxh64Stream pieces_;
    Xxh64Stream piece_;
    std::uint64_t bytes_ = 0;
};

// Checksums of fixed-size blocks over bytes that arrive in pieces.
class BlockHasher {
public:
    // `position` is where the first byte stands in its block.
    BlockHasher(std::size_t block_size, std::size_t position) noexcept : block_size_(block_size), position_(position) {}
    // Writes the hash of every block that ends inside these bytes to `out`; returns how many: at most size / block_size + 1.
    std::size_t update(const void* data, std::size_t size, std::uint64_t* out) noexcept;

private:
    std::size_t block_size_;
    std::size_t position_;
    Xxh64Stream block_;
};

}  // namespace glovestore

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

}  // namespace glovestore

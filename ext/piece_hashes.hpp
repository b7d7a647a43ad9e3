// XXH64 of each piece of a stream of bytes: 1 MiB pieces of a source's text, 64 KiB blocks of a store.
//
// Pieces, so that several cores can hash one stream: whoever holds a part of it hashes the pieces that lie in it as a
// whole, in any order; what remains at the part's two ends is added in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hash.hpp"

namespace glovestore {

class PieceHashes {
public:
    // `position` is where the stream's first byte stands in the first piece, whose hash is then of what is there of it.
    explicit PieceHashes(std::size_t piece_size, std::size_t position = 0) : piece_size_(piece_size), position_(position) {}

    // The hashes of all whole pieces within [data, data + size), which begins at byte `offset` of the stream. Any thread.
    void hash_whole(const void* data, std::size_t size, std::uint64_t offset, std::vector<std::uint64_t>& hashes) const;

    // The next `size` bytes of the stream; `whole` is what hash_whole says of them. In order.
    void add(const void* data, std::size_t size, const std::vector<std::uint64_t>& whole);

    // The hashes of all finished pieces.
    const std::vector<std::uint64_t>& finished() const { return hashes_; }
    std::uint64_t bytes() const { return bytes_; }
    // XXH64 over the little-endian hashes of all pieces, a last unfinished one included.
    std::uint64_t digest() const;

private:
    std::size_t to_boundary(std::uint64_t offset) const;

    std::size_t piece_size_;
    std::size_t position_;
    std::uint64_t bytes_ = 0;
    Xxh64Stream open_;
    std::vector<std::uint64_t> hashes_;
};

}  // namespace glovestore

#include "piece_hashes.hpp"

#include <algorithm>

#include "bytes.hpp"

namespace glovestore {

// How many bytes from `offset` of the stream to the end of its piece; 0 at the start of one.
std::size_t PieceHashes::to_boundary(std::uint64_t offset) const {
    const auto inside = static_cast<std::size_t>((position_ + offset) % piece_size_);
    return inside == 0 ? 0 : piece_size_ - inside;
}

void PieceHashes::hash_whole(const void* data, std::size_t size, std::uint64_t offset,
                             std::vector<std::uint64_t>& hashes) const {
    hashes.clear();
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (std::size_t begin = to_boundary(offset); begin + piece_size_ <= size; begin += piece_size_)
        hashes.push_back(xxh64(bytes + begin, piece_size_, 0));
}

void PieceHashes::add(const void* data, std::size_t size, const std::vector<std::uint64_t>& whole) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    const std::size_t head = to_boundary(bytes_);
    open_.update(bytes, std::min(head, size));
    bytes_ += size;
    if (size < head) return;
    if (head > 0) {
        hashes_.push_back(open_.digest());
        open_.reset();
    }
    hashes_.insert(hashes_.end(), whole.begin(), whole.end());
    const std::size_t tail = head + whole.size() * piece_size_;
    open_.update(bytes + tail, size - tail);
}

std::uint64_t PieceHashes::digest() const {
    Xxh64Stream all;
    const auto add_hash = [&](std::uint64_t hash) {
        const std::uint64_t little = to_little_endian(hash);
        all.update(&little, sizeof little);
    };
    for (const std::uint64_t hash : hashes_) add_hash(hash);
    if ((position_ + bytes_) % piece_size_ != 0) add_hash(open_.digest());
    return all.digest();
}

}  // namespace glovestore

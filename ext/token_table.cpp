#include "token_table.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "hash.hpp"
#include "lookup.hpp"

namespace glovestore {

GrowingTokens::GrowingTokens(std::uint64_t expected_rows, std::uint64_t seeds)
    : slots_(buckets_for(expected_rows) * bucket_slots), seeds_(seeds) {
    offsets_.reserve(expected_rows + 1);
}

bool GrowingTokens::rebuild(std::uint64_t buckets, std::uint64_t first_seed) {
    is_whole_ = false;  // until an index of all tokens is there, whatever is thrown meanwhile
    for (seed_ = first_seed; seed_ < seeds_; ++seed_) {
        slots_ = {};  // before the new ones: one table in memory at a time
        slots_.resize(buckets * bucket_slots);
        const IndexBuild built = build_index(table(), slots_.data(), buckets, seed_);
        longest_probe_ = built.longest_probe;
        is_whole_ = !built.too_long;
        if (is_whole_) return true;
    }
    return false;
}

// Makes room for so many bytes of tokens; bytes_ is never smaller than what it holds.
void GrowingTokens::reserve(std::uint64_t size) {
    if (size > bytes_.size()) bytes_.resize(std::max<std::uint64_t>(size, bytes_.size() + bytes_.size() / 2));
}

// Inserts the token that was appended last, or takes it off again.
bool GrowingTokens::insert_last(std::uint64_t hash, bool& is_duplicate) {
    const std::uint64_t row = rows() - 1;
    const std::uint32_t probe = insert_token(table(), slots_.data(), slots_.size() / bucket_slots, row, hash);
    is_duplicate = probe == is_duplicate_token;
    if (is_duplicate) {
        offsets_.pop_back();
        return true;
    }
    if (probe == is_too_far) return rebuild(slots_.size() / bucket_slots, seed_ + 1);
    longest_probe_ = std::max(longest_probe_, probe);
    return true;
}

bool GrowingTokens::add(const unsigned char* bytes, const std::uint16_t* lengths, std::size_t count,
                        unsigned char* is_duplicate) {
    const std::uint64_t needed = buckets_for(rows() + count);
    if (needed * bucket_slots > slots_.size() && !rebuild(needed, 0)) return false;
    for (std::size_t first = 0; first < count; first += lookahead) {
        const std::size_t end = std::min(count, first + lookahead);
        std::uint64_t hashes[lookahead];
        const unsigned char* token = bytes;
        for (std::size_t i = first; i < end; token += lengths[i++]) {
            hashes[i - first] = xxh64(token, lengths[i], seed_);
            prefetch_home(slots_.data(), slots_.size() / bucket_slots, hashes[i - first]);
        }
        const std::uint64_t seed = seed_;
        reserve(offsets_.back() + static_cast<std::size_t>(token - bytes));
        for (std::size_t i = first; i < end; bytes += lengths[i++]) {
            if (lengths[i] > 0) std::memcpy(bytes_.data() + offsets_.back(), bytes, lengths[i]);
            offsets_.push_back(offsets_.back() + lengths[i]);
            bool duplicate = false;
            const std::uint64_t hash = seed == seed_ ? hashes[i - first] : xxh64(bytes, lengths[i], seed_);
            if (!insert_last(hash, duplicate)) return false;
            is_duplicate[i] = duplicate;
        }
    }
    return true;
}

bool GrowingTokens::add(const TokenView& token, std::int64_t& row) {
    if (rows() + 1 >= low_half) throw std::length_error("expected fewer than 2**32 - 1 different tokens");
    const std::uint64_t needed = buckets_for(rows() + 1);
    if (needed * bucket_slots > slots_.size() && !rebuild(needed, 0)) return false;
    reserve(offsets_.back() + token.size);
    if (token.size > 0) std::memcpy(bytes_.data() + offsets_.back(), token.bytes, token.size);
    offsets_.push_back(offsets_.back() + token.size);
    bool duplicate = false;
    if (!insert_last(xxh64(token.bytes, token.size, seed_), duplicate)) return false;
    row = duplicate ? find_row(index(), table(), token.bytes, token.size) : static_cast<std::int64_t>(rows() - 1);
    return true;
}

bool GrowingTokens::finish() {
    const std::uint64_t needed = buckets_for(rows());
    return (seed_ == 0 && needed * bucket_slots == slots_.size()) || rebuild(needed, 0);
}

}  // namespace glovestore

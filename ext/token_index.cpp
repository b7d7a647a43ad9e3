#include "token_index.hpp"

#include <algorithm>
#include <cstring>

#include "bytes.hpp"
#include "hash.hpp"

namespace glovestore {
namespace {

constexpr std::uint64_t row_mask = 0xFFFFFFFFu;

struct Token {
    const unsigned char* bytes;
    std::size_t size;
    bool valid;
};

// One read of a word that another process may change under us.
inline std::uint64_t read_once(const std::uint64_t* word) noexcept {
    return to_little_endian(*static_cast<const volatile std::uint64_t*>(word));
}

// Token `row` of a table that may lie.
inline Token token_at(const TokenTable& tokens, std::uint64_t row) noexcept {
    const std::uint64_t begin = read_once(tokens.offsets + row);
    const std::uint64_t end = read_once(tokens.offsets + row + 1);
    if (begin > end || end > tokens.size) return {nullptr, 0, false};
    return {tokens.bytes + begin, static_cast<std::size_t>(end - begin), true};
}

inline bool equals(const TokenTable& tokens, std::uint64_t row, const void* token, std::size_t size) noexcept {
    if (row >= tokens.rows) return false;
    const Token other = token_at(tokens, row);
    return other.valid && other.size == size && (size == 0 || std::memcmp(other.bytes, token, size) == 0);
}

inline std::uint64_t log2_of(std::uint64_t power_of_two) noexcept {
    return static_cast<std::uint64_t>(__builtin_ctzll(power_of_two));
}

inline std::uint64_t home_bucket(std::uint64_t hash, std::uint64_t buckets) noexcept {
    return hash >> (64 - log2_of(buckets));
}

}  // namespace

std::uint32_t insert_token(const TokenTable& tokens, std::uint64_t* slots, std::uint64_t buckets, std::uint64_t row,
                           std::uint64_t hash) noexcept {
    const Token token = token_at(tokens, row);
    std::uint64_t bucket = home_bucket(hash, buckets);
    for (std::uint32_t probe = 0; probe <= most_probes; ++probe, bucket = (bucket + 1) & (buckets - 1)) {
        std::uint64_t* slot = slots + bucket * bucket_slots;
        for (std::size_t i = 0; i < bucket_slots; ++i) {
            const std::uint64_t held = to_little_endian(slot[i]);
            if (held == 0) {
                slot[i] = to_little_endian(hash << 32 | (row + 1));
                return probe;
            }
            if (held >> 32 == (hash & row_mask) && equals(tokens, (held & row_mask) - 1, token.bytes, token.size))
                return is_duplicate_token;
        }
    }
    return is_too_far;
}

void prefetch_home(const std::uint64_t* slots, std::uint64_t buckets, std::uint64_t hash) noexcept {
    __builtin_prefetch(slots + home_bucket(hash, buckets) * bucket_slots, 1);
}

std::uint64_t buckets_for(std::uint64_t rows) noexcept {
    std::uint64_t buckets = 2;
    while (rows * 10 > buckets * bucket_slots * 7) buckets *= 2;
    return buckets;
}

IndexBuild build_index(const TokenTable& tokens, std::uint64_t* slots, std::uint64_t buckets, std::uint64_t seed) noexcept {
    IndexBuild result{};
    std::uint64_t hashes[lookahead];
    for (std::uint64_t first = 0; first < tokens.rows; first += lookahead) {
        const std::uint64_t count = std::min<std::uint64_t>(lookahead, tokens.rows - first);
        for (std::uint64_t i = 0; i < count; ++i) {
            const Token token = token_at(tokens, first + i);
            hashes[i] = xxh64(token.bytes, token.size, seed);
            prefetch_home(slots, buckets, hashes[i]);
        }
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::uint32_t probe = insert_token(tokens, slots, buckets, first + i, hashes[i]);
            if (probe == is_too_far) {
                result.too_long = true;
                return result;
            }
            result.longest_probe = std::max(result.longest_probe, probe);
        }
    }
    return result;
}

std::int64_t find_row(const IndexView& index, const TokenTable& tokens, const void* token, std::size_t size) noexcept {
    const std::uint64_t hash = xxh64(token, size, index.seed);
    std::uint64_t bucket = home_bucket(hash, index.buckets);
    for (std::uint32_t probe = 0; probe <= index.longest_probe; ++probe, bucket = (bucket + 1) & (index.buckets - 1)) {
        const std::uint64_t* slot = index.slots + bucket * bucket_slots;
        for (std::size_t i = 0; i < bucket_slots; ++i) {
            const std::uint64_t held = read_once(slot + i);
            if (held == 0) return absent;
            const std::uint64_t row = (held & row_mask) - 1;  // a zero row wraps round and fails the range check
            if (held >> 32 == (hash & row_mask) && equals(tokens, row, token, size)) return static_cast<std::int64_t>(row);
        }
    }
    return absent;
}

std::uint64_t first_lost_row(const IndexView& index, const TokenTable& tokens) noexcept {
    for (std::uint64_t row = 0; row < tokens.rows; ++row) {
        const Token token = token_at(tokens, row);
        if (!token.valid || find_row(index, tokens, token.bytes, token.size) != static_cast<std::int64_t>(row)) return row;
    }
    return tokens.rows;
}

}  // namespace glovestore

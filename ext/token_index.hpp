// The token index: token bytes -> row. Open addressing over cache-line buckets; layout in FORMAT.md, "Token index".
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "bytes.hpp"
#include "token_view.hpp"

namespace glovestore {

constexpr std::size_t bucket_slots = 8;           // 8 slots of 8 bytes: one cache line
constexpr std::uint32_t most_probes = 128;        // buckets beyond home that an insertion may pass
constexpr std::int64_t absent = -1;
constexpr std::size_t lookahead = 32;             // tokens hashed, and their buckets prefetched, ahead of the insertions

// The tokens of a store: token i is bytes[offsets[i]:offsets[i + 1]], `bytes` not null. Borrowed; may be a hostile file's
// content.
struct TokenTable {
    const unsigned char* bytes;
    std::size_t size;
    const std::uint64_t* offsets;  // (rows + 1,)
    std::uint64_t rows;
};

// Borrowed. `buckets` is a power of two, at least 2.
struct IndexView {
    const std::uint64_t* slots;  // (buckets * 8,)
    std::uint64_t buckets;
    std::uint64_t seed;
    std::uint32_t longest_probe;
};

struct IndexBuild {
    std::uint32_t longest_probe;
    bool too_long;  // an insertion passed most_probes: try another seed
};

// The smallest allowed number of buckets for a load of at most 0.7.
std::uint64_t buckets_for(std::uint64_t rows) noexcept;

// One insertion, of token `row` into a table just made. Returns the number of buckets passed beyond home, or one of these;
// then nothing was inserted.
enum : std::uint32_t { is_duplicate_token = most_probes + 1, is_too_far = most_probes + 2 };
std::uint32_t insert_token(const TokenTable& tokens, std::uint64_t* slots, std::uint64_t buckets, std::uint64_t row,
                           std::uint64_t hash) noexcept;

// Loads the bucket where a token of that hash would stand into the cache, to be written to.
void prefetch_home(const std::uint64_t* slots, std::uint64_t buckets, std::uint64_t hash) noexcept;

// Fills `slots` (buckets * 8, all zero) in row order with distinct tokens of a table just made. Never throws, never
// allocates.
IndexBuild build_index(const TokenTable& tokens, std::uint64_t* slots, std::uint64_t buckets, std::uint64_t seed) noexcept;

// What follows is safe on any content of slots and tokens: rows and offsets are checked at each access, every mapped word
// is read once.

constexpr std::uint64_t low_half = 0xFFFFFFFFu;  // of a slot: row + 1; of a hash: what the slot's upper half holds

// One read of a word that another process may change under us.
inline std::uint64_t read_once(const std::uint64_t* word) noexcept {
    return to_little_endian(*static_cast<const volatile std::uint64_t*>(word));
}

// Token `row` < rows of a table that may lie; none if its offsets do.
inline TokenView token_at(const TokenTable& tokens, std::uint64_t row) noexcept {
    const std::uint64_t begin = read_once(tokens.offsets + row);
    const std::uint64_t end = read_once(tokens.offsets + row + 1);
    if (begin > end || end > tokens.size) return {nullptr, 0};
    return {tokens.bytes + begin, static_cast<std::size_t>(end - begin)};
}

// Whether two strings of one size are equal.
inline bool same_bytes(const unsigned char* a, const unsigned char* b, std::size_t size) noexcept {
#if defined(__SSE2__)
    if (size <= 16 && can_read(a, 16) && can_read(b, 16)) {
        const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a));
        const __m128i second = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b));
        const auto differing = ~static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(first, second)));
        return (differing & ((1u << size) - 1)) == 0;
    }
#endif
    return size == 0 || std::memcmp(a, b, size) == 0;
}

inline bool is_token(const TokenTable& tokens, std::uint64_t row, const TokenView& token) noexcept {
    if (row >= tokens.rows) return false;
    const TokenView other = token_at(tokens, row);
    return other.bytes && other.size == token.size && same_bytes(other.bytes, token.bytes, token.size);
}

inline std::uint64_t home_bucket(std::uint64_t hash, std::uint64_t buckets) noexcept {
    return hash >> (64 - static_cast<std::uint64_t>(__builtin_ctzll(buckets)));
}

}  // namespace glovestore

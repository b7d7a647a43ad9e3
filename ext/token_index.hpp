// The token index: token bytes -> row. Open addressing over cache-line buckets; layout in FORMAT.md, "Token index".
#pragma once

#include <cstddef>
#include <cstdint>

namespace glovestore {

constexpr std::size_t bucket_slots = 8;           // 8 slots of 8 bytes: one cache line
constexpr std::uint32_t most_probes = 128;        // buckets beyond home that an insertion may pass
constexpr std::int64_t absent = -1;
constexpr std::size_t lookahead = 32;             // tokens hashed, and their buckets prefetched, ahead of the insertions

// The tokens of a store: token i is bytes[offsets[i]:offsets[i + 1]]. Borrowed; may be a hostile file's content.
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

// The row of a token, or absent. Safe on any content of slots and tokens: rows and offsets are checked at each access,
// probes are bounded, every mapped word is read once.
std::int64_t find_row(const IndexView& index, const TokenTable& tokens, const void* token, std::size_t size) noexcept;

// The first row whose own token the index does not lead back to it, or `rows` when all do.
std::uint64_t first_lost_row(const IndexView& index, const TokenTable& tokens) noexcept;

}  // namespace glovestore

#include "lookup.hpp"

#include <algorithm>

#include "hash.hpp"
#include "parallel.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace glovestore {
namespace {

constexpr std::size_t batch = 32;  // enough misses under way to hide their latency, few enough to stay in the L1 cache
constexpr std::size_t tokens_a_thread = 8192;  // fewer take less time than a thread takes to start
constexpr std::int64_t undecided = -2;         // the home bucket is full, and the token is not in it

// Bit i tells whether slot i of a bucket is of that hash, or empty.
struct SlotMasks {
    unsigned same_hash, empty;
};

#if defined(__SSE2__)
SlotMasks look_at(const std::uint64_t* bucket, std::uint64_t hash) noexcept {
    const __m128i wanted = _mm_set1_epi32(static_cast<int>(hash & low_half)), zero = _mm_setzero_si128();
    __m128i same[2], empty[2];
    for (int half = 0; half < 2; ++half) {
        const auto* slots = reinterpret_cast<const __m128i*>(bucket + std::ptrdiff_t{4} * half);
        const __m128 low = _mm_castsi128_ps(_mm_loadu_si128(slots)), high = _mm_castsi128_ps(_mm_loadu_si128(slots + 1));
        same[half] = _mm_cmpeq_epi32(_mm_castps_si128(_mm_shuffle_ps(low, high, 0xDD)), wanted);
        empty[half] = _mm_cmpeq_epi32(_mm_castps_si128(_mm_shuffle_ps(low, high, 0x88)), zero);
    }
    const __m128i masks = _mm_packs_epi16(_mm_packs_epi32(same[0], same[1]), _mm_packs_epi32(empty[0], empty[1]));
    const auto bits = static_cast<unsigned>(_mm_movemask_epi8(masks));
    return {bits & 0xFF, bits >> 8};
}
#else
SlotMasks look_at(const std::uint64_t* bucket, std::uint64_t hash) noexcept {
    SlotMasks masks{0, 0};
    for (unsigned i = 0; i < bucket_slots; ++i) {
        const std::uint64_t held = read_once(bucket + i);
        masks.same_hash |= static_cast<unsigned>(held >> 32 == (hash & low_half)) << i;
        masks.empty |= static_cast<unsigned>((held & low_half) == 0) << i;
    }
    return masks;
}
#endif

const std::uint64_t* home_slots(const IndexView& index, std::uint64_t hash) noexcept {
    return index.slots + home_bucket(hash, index.buckets) * bucket_slots;
}

// The row that the first slot of that hash in the home bucket names, of which nothing is known; or absent; or undecided.
// A slot may be another one when it is read again for its row: whatever row comes of it is looked at like any other.
std::int64_t likely_row(const IndexView& index, const TokenTable& table, std::uint64_t hash) noexcept {
    const std::uint64_t* home = home_slots(index, hash);
    const SlotMasks masks = look_at(home, hash);
    const unsigned same = masks.same_hash & ((masks.empty & (0 - masks.empty)) - 1);  // those before the first empty one
    if (!same) return masks.empty ? absent : undecided;
    const std::uint64_t row = (read_once(home + __builtin_ctz(same)) & low_half) - 1;
    return row < table.rows ? static_cast<std::int64_t>(row) : undecided;
}

// From the home bucket on, slot by slot: FORMAT.md, "Token index".
std::int64_t search(const IndexView& index, const TokenTable& table, const TokenView& token, std::uint64_t hash) noexcept {
    std::uint64_t bucket = home_bucket(hash, index.buckets);
    for (std::uint32_t probe = 0; probe <= index.longest_probe; ++probe, bucket = (bucket + 1) & (index.buckets - 1)) {
        const std::uint64_t* slot = index.slots + bucket * bucket_slots;
        for (std::size_t i = 0; i < bucket_slots; ++i) {
            const std::uint64_t held = read_once(slot + i);
            if ((held & low_half) == 0) return absent;
            const std::uint64_t row = (held & low_half) - 1;
            if (held >> 32 == (hash & low_half) && is_token(table, row, token)) return static_cast<std::int64_t>(row);
        }
    }
    return absent;
}

// In four stages, each of which asks for the memory that the next one reads.
void find_batch(const IndexView& index, const TokenTable& table, const TokenView* tokens, std::size_t count,
                std::int64_t* rows) noexcept {
    std::uint64_t hashes[batch];
    for (std::size_t i = 0; i < count; ++i) {
        hashes[i] = xxh64(tokens[i].bytes, tokens[i].size, index.seed);
        __builtin_prefetch(home_slots(index, hashes[i]));
    }
    for (std::size_t i = 0; i < count; ++i) {
        rows[i] = likely_row(index, table, hashes[i]);
        if (rows[i] >= 0) __builtin_prefetch(table.offsets + rows[i]);
    }
    for (std::size_t i = 0; i < count; ++i)
        if (rows[i] >= 0) __builtin_prefetch(token_at(table, static_cast<std::uint64_t>(rows[i])).bytes);
    for (std::size_t i = 0; i < count; ++i) {
        if (!tokens[i].bytes) {
            rows[i] = absent;
        } else if (rows[i] != absent &&
                   (rows[i] == undecided || !is_token(table, static_cast<std::uint64_t>(rows[i]), tokens[i]))) {
            rows[i] = search(index, table, tokens[i], hashes[i]);
        }
    }
}

}  // namespace

std::int64_t find_row(const IndexView& index, const TokenTable& table, const void* token, std::size_t size) noexcept {
    const TokenView view{static_cast<const unsigned char*>(token), size};
    return search(index, table, view, xxh64(token, size, index.seed));
}

void find_rows(const IndexView& index, const TokenTable& table, const TokenView* tokens, std::size_t count,
               std::int64_t* rows) noexcept {
    for (std::size_t first = 0; first < count; first += batch)
        find_batch(index, table, tokens + first, std::min(batch, count - first), rows + first);
}

void find_rows(const IndexView& index, const TokenTable& table, const Strings& tokens, std::int64_t* rows,
               std::size_t threads) {
    in_parallel(tokens.size(), threads, tokens_a_thread, [&](std::size_t begin, std::size_t end) {
        TokenView views[batch];
        Scratch scratch;
        for (std::size_t first = begin; first < end; first += batch) {
            const std::size_t count = std::min(batch, end - first);
            tokens.read(first, count, views, scratch);
            find_batch(index, table, views, count, rows + first);
        }
    });
}

std::uint64_t first_lost_row(const IndexView& index, const TokenTable& table) noexcept {
    for (std::uint64_t row = 0; row < table.rows; ++row) {
        const TokenView token = token_at(table, row);
        if (!token.bytes || find_row(index, table, token.bytes, token.size) != static_cast<std::int64_t>(row)) return row;
    }
    return table.rows;
}

}  // namespace glovestore

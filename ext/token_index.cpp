#include "token_index.hpp"

#include <algorithm>

#include "hash.hpp"

namespace glovestore {
std::uint32_t insert_token(const TokenTable& tokens, std::uint64_t* slots, std::uint64_t buckets, std::uint64_t row,
                           std::uint64_t hash) noexcept {
    const TokenView token = token_at(tokens, row);
    std::uint64_t bucket = home_bucket(hash, buckets);
    for (std::uint32_t probe = 0; probe <= most_probes; ++probe, bucket = (bucket + 1) & (buckets - 1)) {
        std::uint64_t* slot = slots + bucket * bucket_slots;
        for (std::size_t i = 0; i < bucket_slots; ++i) {
            const std::uint64_t held = to_little_endian(slot[i]);
            if (held == 0) {
                slot[i] = to_little_endian(hash << 32 | (row + 1));
                return probe;
            }
            if (held >> 32 == (hash & low_half) && is_token(tokens, (held & low_half) - 1, token))
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
            const TokenView token = token_at(tokens, first + i);
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

}  // namespace glovestore

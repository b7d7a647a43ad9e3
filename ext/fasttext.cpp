#include "fasttext.hpp"

#include <algorithm>
#include <cstring>

#include "parallel.hpp"
#include "parse.hpp"

namespace glovestore {
namespace {

constexpr std::size_t floats_a_thread = 1 << 16;  // fewer take less time than a thread takes to start

}  // namespace

Entries read_entries(const unsigned char* data, std::size_t size, std::size_t most, unsigned char* token_bytes,
                     std::uint16_t* token_lengths, unsigned char* types) noexcept {
    Entries read{0, 0, 0, false};
    while (read.count < most && read.consumed < size) {
        const unsigned char* token = data + read.consumed;
        const std::size_t left = size - read.consumed, looked_at = std::min(left, longest_token + 1);
        const void* found = std::memchr(token, 0, looked_at);
        if (!found) {
            read.token_too_long = looked_at > longest_token;
            break;
        }
        const auto length = static_cast<std::size_t>(static_cast<const unsigned char*>(found) - token);
        if (left < length + shortest_entry) break;
        std::memcpy(token_bytes + read.token_bytes, token, length);
        token_lengths[read.count] = static_cast<std::uint16_t>(length);
        types[read.count] = token[length + shortest_entry - 1];
        ++read.count, read.token_bytes += length, read.consumed += length + shortest_entry;
    }
    return read;
}

void dequantise(const Quantiser& quantiser, const unsigned char* codes, const float* norms, std::size_t count, float* out,
                std::size_t threads) {
    const std::size_t dim = quantiser.dim, parts = parts_of(dim, quantiser.part_dim);
    in_parallel(count, threads, floats_a_thread / dim + 1, [&](std::size_t begin, std::size_t end) noexcept {
        for (std::size_t i = begin; i < end; ++i) {
            const float norm = norms ? norms[i] : 1.0f;
            for (std::size_t part = 0; part < parts; ++part) {
                const std::size_t first = part * quantiser.part_dim, size = std::min(quantiser.part_dim, dim - first);
                const float* centroid = quantiser.centroids + first * centroids_a_part + codes[i * parts + part] * size;
                for (std::size_t d = 0; d < size; ++d) out[i * dim + first + d] = norm * centroid[d];
            }
        }
    });
}

}  // namespace glovestore

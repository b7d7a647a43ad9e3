// What is inside fastText's files: entries of the dictionary, and rows that were product-quantised (Jegou, Douze and Schmid,
// "Product quantization for nearest neighbor search", 2011). src/dictionary.cc, src/productquantizer.cc of fastText.
#pragma once

#include <cstddef>
#include <cstdint>

namespace glovestore {

// How far read_entries came.
struct Entries {
    std::size_t count;
    std::size_t consumed;     // bytes of data: whole entries
    std::size_t token_bytes;
    bool token_too_long;      // of the next entry: there is no NUL among its first longest_token + 1 bytes
};

constexpr std::size_t shortest_entry = 10;

// Reads entries from [data, data + size): token, NUL, i64 count, i8 type. Stops after `most` of them, before one that is
// not all there, and before a token that is too long. The caller has room for `size` token bytes, and for `most` lengths
// and types.
Entries read_entries(const unsigned char* data, std::size_t size, std::size_t most, unsigned char* token_bytes,
                     std::uint16_t* token_lengths, unsigned char* types) noexcept;

constexpr std::size_t centroids_a_part = 256;

// A row is cut into parts of `part_dim` numbers, the last one may be shorter, and each part is one of 256 centroids.
struct Quantiser {
    const float* centroids;  // for each part 256 of its numbers, one behind the other: 256 * dim in all
    std::size_t dim, part_dim;
};

inline std::size_t parts_of(std::size_t dim, std::size_t part_dim) noexcept { return (dim + part_dim - 1) / part_dim; }

// out[i] = the row (dim,) of codes[i] (parts,), times norms[i] if there are norms, for i < count.
void dequantise(const Quantiser& quantiser, const unsigned char* codes, const float* norms, std::size_t count, float* out,
                std::size_t threads);

}  // namespace glovestore

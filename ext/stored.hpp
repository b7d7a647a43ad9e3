// Vectors as a store keeps them: float32, float16, or int8 with a scale for each row. FORMAT.md, "Arrays".
#pragma once

#include <cstddef>
#include <cstdint>

namespace glovestore {

enum class Stored : int { float32, float16, int8 };

constexpr std::size_t size_of(Stored dtype) noexcept {
    return dtype == Stored::float32 ? 4 : dtype == Stored::float16 ? 2 : 1;
}

// The memory is somebody else's.
struct StoredVectors {
    const unsigned char* data;  // (rows, dim) of `dtype`
    const float* scales;        // (rows,) of int8: what a row's numbers are multiplied by. Else not looked at
    Stored dtype;
    std::size_t rows, dim;

    std::size_t row_size() const noexcept { return dim * size_of(dtype); }
    const unsigned char* row(std::size_t number) const noexcept { return data + number * row_size(); }
};

// Writes `count` rows from row `first` on to `out`, (count, dim) float32. Exact for float16; of int8 the product of number
// and scale, rounded to float32. A kernel of each tier.
void decode_rows(const StoredVectors& from, std::size_t first, std::size_t count, float* out) noexcept;

// The opposite, of finite numbers: `out` is (rows, dim) of `dtype`, `scales` (rows,) for int8. Rounds to nearest, ties to
// even. Numbers of float16 that are too large become infinite. The scale of an int8 row is its largest magnitude / 127.
void encode_rows(const float* vectors, std::size_t rows, std::size_t dim, Stored dtype, void* out, float* scales) noexcept;

// The place of the first of `count` numbers that encode_rows would make infinite; `count` if there is none.
std::size_t first_beyond(const float* numbers, std::size_t count, Stored dtype) noexcept;

}  // namespace glovestore

// The loops of stored.hpp, compiled once for each tier: operations on single float32, so the number of lanes that a
// processor takes at a time does not show in the result.
//
// A tier's file includes this one behind its target pragma; see kernels_avx512.cpp for the reasons of that.
#include "half.hpp"
#include "stored.hpp"

namespace glovestore {
namespace {

constexpr float most_int8 = 127.0f;
constexpr float most_scale = 0x1.020406p+121f;  // times 127 it is still finite

struct PlainHalves {
    static void decode(const std::uint16_t* from, std::size_t count, float* out) noexcept {
        for (std::size_t i = 0; i < count; ++i) out[i] = from_float16(from[i]);
    }
    static void encode(const float* from, std::size_t count, std::uint16_t* out) noexcept {
        for (std::size_t i = 0; i < count; ++i) out[i] = to_float16(from[i]);
    }
};

void decode_int8(const std::int8_t* __restrict from, float scale, std::size_t count, float* __restrict out) noexcept {
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(from[i]) * scale;
}

template <class Halves>
void decode(const StoredVectors& from, std::size_t first, std::size_t count, float* out) noexcept {
    const unsigned char* const begin = from.row(first);
    const std::size_t dim = from.dim;
    switch (from.dtype) {
        case Stored::float32: std::memcpy(out, begin, count * dim * sizeof(float)); break;
        case Stored::float16: Halves::decode(reinterpret_cast<const std::uint16_t*>(begin), count * dim, out); break;
        case Stored::int8:
            for (std::size_t i = 0; i < count; ++i)
                decode_int8(reinterpret_cast<const std::int8_t*>(begin) + i * dim, from.scales[first + i], dim, out + i * dim);
            break;
    }
}

// As integers, which compare like the numbers when there is no sign.
float largest_magnitude(const float* row, std::size_t dim) noexcept {
    std::uint32_t largest = 0;
    for (std::size_t i = 0; i < dim; ++i) largest = std::max(largest, bits_of(row[i]) & 0x7FFFFFFF);
    return float_of(largest);
}

// Returns the scale: 0 for a row of zeros, and for one that is too small for a scale.
float encode_int8(const float* __restrict row, std::size_t dim, std::int8_t* __restrict out) noexcept {
    const float scale = std::min(largest_magnitude(row, dim) / most_int8, most_scale);
    if (scale == 0.0f) {
        std::memset(out, 0, dim);
        return scale;
    }
    for (std::size_t i = 0; i < dim; ++i) {
        // Adding 1.5 * 2^23, whose last bit is worth 1, rounds there. Below a normal number scales are coarse: hence limits.
        const float rounded = (row[i] / scale + 12582912.0f) - 12582912.0f;
        out[i] = static_cast<std::int8_t>(static_cast<std::int32_t>(std::max(-most_int8, std::min(rounded, most_int8))));
    }
    return scale;
}

template <class Halves>
void encode(const float* vectors, std::size_t rows, std::size_t dim, Stored dtype, void* out, float* scales) noexcept {
    switch (dtype) {
        case Stored::float32: std::memcpy(out, vectors, rows * dim * sizeof(float)); break;
        case Stored::float16: Halves::encode(vectors, rows * dim, static_cast<std::uint16_t*>(out)); break;
        case Stored::int8:
            for (std::size_t i = 0; i < rows; ++i)
                scales[i] = encode_int8(vectors + i * dim, dim, static_cast<std::int8_t*>(out) + i * dim);
            break;
    }
}

}  // namespace
}  // namespace glovestore

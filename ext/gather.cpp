#include "gather.hpp"

#include <cstring>

#include "parallel.hpp"

namespace glovestore {
namespace {

constexpr std::size_t rows_ahead = 6;           // whose first lines are asked for while a row is copied
constexpr std::size_t lines_ahead = 4;          // the processor fetches a row's further lines by itself
constexpr std::size_t floats_a_line = 16;
constexpr std::size_t floats_a_thread = 1 << 18;  // 1 MB: less takes less time than a thread takes to start

std::uint32_t bits_of(float x) noexcept {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

std::uint16_t to_bfloat16(float x) noexcept {
    const std::uint32_t bits = bits_of(x);
    const std::uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
    const bool is_nan = (bits & 0x7FFFFFFF) > 0x7F800000;
    return static_cast<std::uint16_t>(is_nan ? bits >> 16 | 0x40 : rounded);
}

// Without branches, so that the compiler makes vectors of it.
std::uint16_t to_float16(float x) noexcept {
    const std::uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000, size = bits & 0x7FFFFFFF;
    // A number of at least 2^-14: another bias, 13 bits rounded away.
    const std::uint32_t normal = (size - (112u << 23) + 0xFFF + (size >> 13 & 1)) >> 13;
    // A smaller one is a multiple of 2^-24: adding 0.5, whose last bit is worth that, rounds it there.
    float small;
    std::memcpy(&small, &size, sizeof small);
    const std::uint32_t subnormal = bits_of(small + 0.5f) - bits_of(0.5f);
    const std::uint32_t finite = size < (113u << 23) ? subnormal : normal;
    const std::uint32_t beyond = size > 0x7F800000 ? 0x7E00 : 0x7C00;  // 65,520 and more: infinity
    return static_cast<std::uint16_t>(sign | (size >= 0x477FF000 ? beyond : finite));
}

template <class To, class Convert>
void copy_row(const float* from, std::size_t dim, void* out, std::size_t target, const Convert& convert) noexcept {
    To* to = static_cast<To*>(out) + target * dim;
    for (std::size_t d = 0; d < dim; ++d) to[d] = convert(from[d]);
}

void write_row(const float* from, std::size_t dim, void* out, std::size_t target, Scalar kind) noexcept {
    switch (kind) {
        case Scalar::float32: std::memcpy(static_cast<float*>(out) + target * dim, from, dim * sizeof(float)); break;
        case Scalar::float16: copy_row<std::uint16_t>(from, dim, out, target, to_float16); break;
        case Scalar::bfloat16: copy_row<std::uint16_t>(from, dim, out, target, to_bfloat16); break;
        case Scalar::float64: copy_row<double>(from, dim, out, target, [](float x) noexcept { return double{x}; }); break;
    }
}

void prefetch_row(const float* row, std::size_t dim) noexcept {
    for (std::size_t d = 0; d < dim && d < lines_ahead * floats_a_line; d += floats_a_line) __builtin_prefetch(row + d);
}

}  // namespace

std::size_t first_outside(const std::int64_t* rows, const std::int64_t* positions, std::size_t count, std::int64_t row_limit,
                          std::int64_t out_rows) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        const std::int64_t target = positions ? positions[i] : static_cast<std::int64_t>(i);
        if (rows[i] >= row_limit || target < 0 || target >= out_rows) return i;
    }
    return count;
}

void gather(const float* vectors, std::size_t dim, const std::int64_t* rows, const std::int64_t* positions, std::size_t count,
            void* out, Scalar kind, std::size_t threads) {
    const std::size_t row_size = dim * size_of(kind);
    in_parallel(count, threads, floats_a_thread / dim + 1, [=](std::size_t begin, std::size_t end) noexcept {
        for (std::size_t i = begin; i < end; ++i) {
            if (i + rows_ahead < end && rows[i + rows_ahead] >= 0) prefetch_row(vectors + rows[i + rows_ahead] * dim, dim);
            const std::size_t target = positions ? static_cast<std::size_t>(positions[i]) : i;
            if (rows[i] < 0) {
                std::memset(static_cast<unsigned char*>(out) + target * row_size, 0, row_size);
            } else {
                write_row(vectors + static_cast<std::size_t>(rows[i]) * dim, dim, out, target, kind);
            }
        }
    });
}

}  // namespace glovestore

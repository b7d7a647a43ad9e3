#include "gather.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "half.hpp"
#include "parallel.hpp"
#include "prefetch.hpp"

namespace glovestore {
namespace {

constexpr std::size_t rows_ahead = 6;           // whose first lines are asked for while a row is copied
constexpr std::size_t small_rows_ahead = 16;    // the same where a row is decoded, which is half or a quarter as long
constexpr std::size_t lines_ahead = 4;          // the processor fetches a row's further lines by itself
constexpr std::size_t line = 64;                // bytes
constexpr std::size_t floats_a_thread = 1 << 18;  // 1 MB: less takes less time than a thread takes to start

std::uint16_t to_bfloat16(float x) noexcept {
    const std::uint32_t bits = bits_of(x);
    const std::uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
    const bool is_nan = (bits & 0x7FFFFFFF) > 0x7F800000;
    return static_cast<std::uint16_t>(is_nan ? bits >> 16 | 0x40 : rounded);
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

}  // namespace

std::size_t first_outside(const std::int64_t* rows, const std::int64_t* positions, std::size_t count, std::int64_t row_limit,
                          std::int64_t out_rows) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        const std::int64_t target = positions ? positions[i] : static_cast<std::int64_t>(i);
        if (rows[i] >= row_limit || target < 0 || target >= out_rows) return i;
    }
    return count;
}

void gather(const StoredVectors& from, decltype(&decode_rows) decode, const std::int64_t* rows,
            const std::int64_t* positions, std::size_t count, void* out, Scalar kind, std::size_t threads) {
    const std::size_t dim = from.dim, row_size = dim * size_of(kind);
    const bool is_plain = from.dtype == Stored::float32, is_direct = kind == Scalar::float32;
    const std::size_t prefetched = std::min(from.row_size(), lines_ahead * line);
    const std::size_t ahead = is_plain ? rows_ahead : small_rows_ahead;
    in_parallel(count, threads, floats_a_thread / dim + 1, [=](std::size_t begin, std::size_t end) {
        std::vector<float> decoded(is_plain || is_direct ? 0 : dim);
        for (std::size_t i = begin; i < end; ++i) {
            if (i + ahead < end && rows[i + ahead] >= 0) {
                const auto row = static_cast<std::size_t>(rows[i + ahead]);
                prefetch_bytes(from.row(row), prefetched);
                if (from.dtype == Stored::int8) prefetch_bytes(reinterpret_cast<const unsigned char*>(from.scales + row), 1);
            }
            const std::size_t target = positions ? static_cast<std::size_t>(positions[i]) : i;
            if (rows[i] < 0) {
                std::memset(static_cast<unsigned char*>(out) + target * row_size, 0, row_size);
                continue;
            }
            const auto row = static_cast<std::size_t>(rows[i]);
            if (is_plain) {
                write_row(reinterpret_cast<const float*>(from.row(row)), dim, out, target, kind);
            } else if (is_direct) {
                decode(from, row, 1, static_cast<float*>(out) + target * dim);
            } else {
                decode(from, row, 1, decoded.data());
                write_row(decoded.data(), dim, out, target, kind);
            }
        }
    });
}

}  // namespace glovestore

// Half precision and int8, there and back in every SIMD tier, and rows out of a store in every dtype: against arithmetic
// in float64, over any bits, NaN and infinity among them.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "gather.hpp"
#include "input.hpp"
#include "kernels.hpp"
#include "require.hpp"

using namespace glovestore;

namespace {

// Any NaN is as good as another where the sign or the payload of one depends on the order of operands.
bool same(float a, float b) { return bits_of(a) == bits_of(b) || (std::isnan(a) && std::isnan(b)); }

float half_by_the_book(std::uint16_t half) {
    const int exponent = half >> 10 & 31, fraction = half & 1023;
    const float size = exponent == 31  ? (fraction ? NAN : INFINITY)
                       : exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                       : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
    return std::copysign(size, half & 0x8000 ? -1.0f : 1.0f);
}

// The nearest of all that `bits` of fraction and the exponents from `least` on can hold: ties to even.
float rounded(float x, int bits, int least) {
    if (x == 0.0f || !std::isfinite(x)) return x;
    const int exponent = std::max(std::ilogb(x), least) - bits;
    return static_cast<float>(std::ldexp(std::nearbyint(std::ldexp(static_cast<double>(x), -exponent)), exponent));
}

void require_half(float x, std::uint16_t half) {
    const float nearest = rounded(x, 10, -14);
    const float expected = std::fabs(nearest) > 65504.0f && std::isfinite(x) ? std::copysign(INFINITY, x) : nearest;
    require(same(half_by_the_book(half), expected) && std::signbit(half_by_the_book(half)) == std::signbit(x));
}

// Of finite rows, as encode_rows asks for them.
void require_encoded(const float* vectors, std::size_t rows, std::size_t dim) {
    for (std::size_t place = 0; const Kernels* kernels = kernels_at(place); ++place) {
        const std::unique_ptr<std::uint16_t[]> halves(new std::uint16_t[rows * dim]);
        kernels->encode_rows(vectors, rows, dim, Stored::float16, halves.get(), nullptr);
        for (std::size_t i = 0; i < rows * dim; ++i) require_half(vectors[i], halves[i]);
        const std::unique_ptr<std::int8_t[]> codes(new std::int8_t[rows * dim]);
        const std::unique_ptr<float[]> scales(new float[rows]);
        kernels->encode_rows(vectors, rows, dim, Stored::int8, codes.get(), scales.get());
        for (std::size_t row = 0; row < rows; ++row) {
            float largest = 0.0f;
            for (std::size_t i = 0; i < dim; ++i) largest = std::max(largest, std::fabs(vectors[row * dim + i]));
            const float scale = std::min(largest / 127.0f, 0x1.020406p+121f);
            require(scales[row] == scale);
            for (std::size_t i = 0; i < dim; ++i) {
                const float quotient = scale == 0.0f ? 0.0f : vectors[row * dim + i] / scale;
                require(static_cast<float>(codes[row * dim + i]) == std::max(-127.0f, std::min(127.0f, std::nearbyint(quotient))));
            }
        }
    }
}

float stored_by_the_book(const StoredVectors& stored, std::size_t row, std::size_t column) {
    const unsigned char* at = stored.row(row) + column * size_of(stored.dtype);
    if (stored.dtype == Stored::int8) return static_cast<float>(static_cast<std::int8_t>(*at)) * stored.scales[row];
    if (stored.dtype == Stored::float16) {
        std::uint16_t half;
        std::memcpy(&half, at, sizeof half);
        return half_by_the_book(half);
    }
    float x;
    std::memcpy(&x, at, sizeof x);
    return x;
}

void require_decoded(const StoredVectors& stored) {
    for (std::size_t place = 0; const Kernels* kernels = kernels_at(place); ++place)
        for (std::size_t first = 0; first < stored.rows; ++first) {
            const std::size_t count = (stored.rows - first + 1) / 2;
            const std::unique_ptr<float[]> out(new float[count * stored.dim]);
            kernels->decode_rows(stored, first, count, out.get());
            for (std::size_t i = 0; i < count * stored.dim; ++i)
                require(same(out[i], stored_by_the_book(stored, first + i / stored.dim, i % stored.dim)));
        }
}

double read_back(const unsigned char* at, Scalar kind) {
    double wide;
    float narrow;
    std::uint16_t half;
    if (kind == Scalar::float64) return std::memcpy(&wide, at, sizeof wide), wide;
    if (kind == Scalar::float32) return std::memcpy(&narrow, at, sizeof narrow), double{narrow};
    std::memcpy(&half, at, sizeof half);
    if (kind == Scalar::float16) return double{half_by_the_book(half)};
    const std::uint32_t bits = std::uint32_t{half} << 16;
    std::memcpy(&narrow, &bits, sizeof narrow);
    return double{narrow};
}

float as_kind(float x, Scalar kind) {
    if (kind == Scalar::float16) {
        const float nearest = rounded(x, 10, -14);
        return std::fabs(nearest) > 65504.0f && std::isfinite(x) ? std::copysign(INFINITY, x) : nearest;
    }
    return kind == Scalar::bfloat16 ? rounded(x, 7, -126) : x;
}

void require_gathered(const StoredVectors& stored, Input& input) {
    const std::size_t count = input.below(12), out_rows = count + input.below(3);
    const auto kind = static_cast<Scalar>(input.below(4));
    std::vector<std::int64_t> rows(count), positions(count);
    for (std::int64_t& row : rows) row = static_cast<std::int64_t>(input.below(stored.rows + 2)) - 1;
    for (std::size_t i = 0; i < count; ++i) positions[i] = static_cast<std::int64_t>(i * 7 % std::max<std::size_t>(count, 1));
    const bool distinct = count % 7 != 0, is_given = input.flag() && distinct;
    const std::int64_t* const targets = is_given ? positions.data() : nullptr;
    const auto limit = static_cast<std::int64_t>(stored.rows);
    std::size_t outside = 0;
    while (outside < count && rows[outside] < limit) ++outside;
    require(first_outside(rows.data(), targets, count, limit, static_cast<std::int64_t>(out_rows)) == outside);
    if (outside < count) return;
    const std::size_t dim = stored.dim, width = size_of(kind);
    for (std::size_t place = 0; const Kernels* kernels = kernels_at(place); ++place) {
        const std::unique_ptr<unsigned char[]> out(new unsigned char[out_rows * dim * width]);
        gather(stored, kernels->decode_rows, rows.data(), targets, count, out.get(), kind, 2);
        for (std::size_t i = 0; i < count * dim; ++i) {
            const std::size_t request = i / dim, column = i % dim;
            const std::size_t target = is_given ? static_cast<std::size_t>(positions[request]) : request;
            const auto row = static_cast<std::size_t>(rows[request]);
            const float expected = rows[request] < 0 ? 0.0f : as_kind(stored_by_the_book(stored, row, column), kind);
            const double found = read_back(out.get() + (target * dim + column) * width, kind);
            require(same(static_cast<float>(found), expected));
        }
    }
}

}  // namespace

// Two bytes say dtype and dim; the others are the rows' scales and numbers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const auto dtype = static_cast<Stored>(input.below(3));
    const std::size_t dim = 1 + input.below(40), rows = 1 + input.left() / (dim * size_of(dtype) + 4);
    Input floats = input, requests = input;
    const auto scales = input.array<float>(rows);
    const auto memory = input.array<std::uint32_t>((rows * dim * size_of(dtype) + 3) / 4);
    const StoredVectors stored{reinterpret_cast<const unsigned char*>(memory.get()), scales.get(), dtype, rows, dim};
    require_decoded(stored);
    require_gathered(stored, requests);
    const std::size_t whole = floats.left() / (dim * sizeof(float));
    const auto vectors = floats.array<float>(whole * dim);
    std::size_t beyond = 0;
    while (beyond < whole * dim && std::fabs(vectors[beyond]) < 65520.0f) ++beyond;
    bool finite = true;
    for (std::size_t i = 0; i < whole * dim; ++i) finite = finite && std::isfinite(vectors[i]);
    if (!finite) return 0;
    require(first_beyond(vectors.get(), whole * dim, Stored::float16) == beyond);
    require(first_beyond(vectors.get(), whole * dim, Stored::int8) == whole * dim);
    require_encoded(vectors.get(), whole, dim);
    return 0;
}

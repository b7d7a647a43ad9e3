// Rows out of a matrix, into memory of the caller.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stored.hpp"

namespace glovestore {

enum class Scalar : int { float32, float16, bfloat16, float64 };

constexpr std::size_t size_of(Scalar kind) noexcept {
    return kind == Scalar::float64 ? 8 : kind == Scalar::float32 ? 4 : 2;
}

// Which of the `count` requests is outside: its number, or `count` when all rows are below `row_limit` and all targets are
// in [0, out_rows). Negative rows are allowed: they mean "none". `positions` may be null: target i is i.
std::size_t first_outside(const std::int64_t* rows, const std::int64_t* positions, std::size_t count, std::int64_t row_limit,
                          std::int64_t out_rows) noexcept;

// out[positions[i]] = row rows[i] of `from`, decoded by a tier's kernel, and rounded to nearest, ties to even, if `kind` is
// narrower than float32 (what is too large becomes infinity); zeros for a negative row. The requests have passed
// first_outside; `positions` are distinct; `out`, (.., dim), overlaps nothing. On up to `threads` threads.
void gather(const StoredVectors& from, decltype(&decode_rows) decode, const std::int64_t* rows,
            const std::int64_t* positions, std::size_t count, void* out, Scalar kind, std::size_t threads);

}  // namespace glovestore
